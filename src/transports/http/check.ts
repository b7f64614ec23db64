import { atMost } from "../../core/backoff.ts";
import { openStream, type Stream } from "../http1/stream.ts";
import { UnclosedConnections } from "../http1/unclosed_connections.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { describeFailure, isTlsFailure } from "../http1/failure.ts";
import { serverOf } from "../http1/server.ts";

const DEADLINE_MS = 5000;

/** With TLS 1.3, a server rejects the client certificate only after the handshake; the check waits this long. */
const OBJECTION_MS = 1000;

/** Connects to the endpoint and returns problems. It sends no request, which could have an effect. */
export async function checkEndpoint({ url, tls = {} }: HttpHandlerConfig): Promise<string[]> {
  const server = serverOf(new URL(url));
  const isSecure = url.startsWith("https:");
  const target = { server, tls: isSecure ? tls : undefined };
  const late = new AbortController();
  const error = Object.assign(new Error("no answer"), { code: "ETIMEDOUT" });
  const deadline = setTimeout(() => late.abort(error), DEADLINE_MS);
  try {
    const unclosed = new UnclosedConnections();
    const stream = await openStream(target, { signal: late.signal, unclosed });
    if (isSecure) await waitForObjection(stream);
    else stream.close();
    return [];
  } catch (error) {
    const reason = describeFailure(error, DEADLINE_MS);
    const endpoint = `${server.hostname}:${server.port}`;
    const advice = isTlsFailure(error)
      ? "correct eventHandler.tls, the endpoint's certificate or eventHandler.url"
      : "start it or correct eventHandler.url";
    return [`cannot connect to endpoint ${endpoint}: ${reason}; ${advice}`];
  } finally {
    clearTimeout(deadline);
  }
}

/** Waits for a TLS alert, which makes it throw, and closes the stream. */
async function waitForObjection(stream: Stream): Promise<void> {
  const reading = stream.read(new Uint8Array(1));
  try {
    await atMost(reading, OBJECTION_MS);
  } finally {
    stream.close();
    await reading.catch(() => {});
  }
}
