import { connect as connectTls } from "node:tls";
import { openSocket } from "./client/socket.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { describeFailure, isTlsFailure } from "./failure.ts";
import { serverOf } from "./server.ts";

const DEADLINE_MS = 5000;

/**
 * How long either side has to object to the other one's certificate. The runtime does not tell when a handshake is done
 * (Deno 2.6.8), and with TLS 1.3 a server objects only after that.
 */
const OBJECTION_MS = 1000;

/** Connects to the endpoint without sending anything: a request could have an effect. */
export async function checkEndpoint(config: HttpHandlerConfig): Promise<string[]> {
  const url = new URL(config.url);
  const server = serverOf(url);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let objection: ReturnType<typeof setTimeout> | undefined;
  const socket = openSocket(server).on("error", reject);
  socket.on("connect", () => {
    if (url.protocol !== "https:") return resolve();
    const servername = url.hostname.replaceAll(/[[\]]/g, "");
    connectTls({ socket, servername, ...config.tls }).on("error", reject);
    objection = setTimeout(resolve, OBJECTION_MS);
  });
  const late = Object.assign(new Error("no answer"), { code: "ETIMEDOUT" });
  const deadline = setTimeout(() => reject(late), DEADLINE_MS);
  try {
    await promise;
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
    clearTimeout(objection);
    socket.destroy();
  }
}
