import type { Bytes } from "../../core/event.ts";
import { decodedResponse } from "./content_encoding.ts";
import { serverOf, targetOf } from "./server.ts";
import type { Exchange } from "./connection.ts";
import { ConnectionPool } from "./connection_pool.ts";
import { HeadReader } from "./head_reader.ts";
import type { HttpResponse } from "./http_response.ts";
import { ResponseReader } from "./response_reader.ts";
import { type HttpTlsConfig, openStream } from "./stream.ts";
import type { UnclosedConnections } from "./unclosed_connections.ts";

/** A single request: no next one is expected. */
export interface LoneRequest {
  readonly method: string;
  readonly url: string;
  /** ASCII texts. Headers that describe the server, the body and the connection are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For an https:// URL. */
  readonly tls: HttpTlsConfig;
  /** Limit of the response's body, also when decoded. */
  readonly maxResponseBytes: number;
  readonly call: Exchange["call"];
  readonly unclosed: UnclosedConnections;
}

/**
 * Sends a request once, on a connection of its own, and resolves with the decoded response. Does not follow redirects.
 *
 * @throws {UnclosedConnectionsError}
 * @throws {Error} for `describeFailure()`: no complete head arrived, or the call was given up
 */
export async function sendAlone(request: LoneRequest): Promise<HttpResponse> {
  const url = new URL(request.url);
  const { method, maxResponseBytes, call, unclosed } = request;
  const tls = url.protocol === "https:" ? request.tls : undefined;
  const heads = new HeadReader(method);
  using connections = new ConnectionPool({
    open: (signal) => openStream({ server: serverOf(url), tls }, { signal, unclosed }),
    newReader: () => new ResponseReader(heads, maxResponseBytes),
    unclosed,
    now: () => performance.now(),
  });
  const response = await connections.exchange(bytesOf(request, url), call);
  return await decodedResponse(response, maxResponseBytes);
}

function bytesOf({ method, headers, body }: LoneRequest, url: URL): Bytes {
  const content = new TextEncoder().encode(body);
  const lines = Object.entries({
    host: url.host,
    ...headers,
    "accept-encoding": "identity",
    "connection": "close",
    "content-length": `${content.length}`,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${targetOf(url)} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return new TextEncoder().encode(head + body);
}
