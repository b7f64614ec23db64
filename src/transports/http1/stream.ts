import type { Socket } from "node:net";
import { createSecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import { openConnection } from "../sockets/open_connection.ts";
import { handleOf, setStream, streamIn } from "../sockets/tcp_handle.ts";
import type { Server } from "./server.ts";
import type { UnclosedConnections } from "./unclosed_connections.ts";

/** How an endpoint is checked and how eventor says who it is, as PEM texts. */
export interface HttpTlsConfig {
  /** Authorities that count besides the platform's. */
  readonly ca?: string;
  /** The client's certificate, then those between it and its authority. */
  readonly cert?: string;
  /** The key of `cert`, not encrypted; there when that is. */
  readonly key?: string;
}

/** Bytes in both directions, by TCP or TLS. */
export type Stream = Pick<Deno.Conn, "read" | "write" | "close">;

/** Where a stream leads to. */
export interface StreamTarget {
  readonly server: Server;
  /** Absent for plain TCP. */
  readonly tls?: HttpTlsConfig | undefined;
}

/**
 * Connects, with TLS if the target has it. Resolves when the server's certificate is accepted; what the server has
 * against the client's, the first `read()` may tell (RFC 8446, 2).
 *
 * @param unclosed is told of a handshake that was given up
 * @throws {Error} why no connection came about
 * @throws the reason of `signal` when it aborts first
 */
export async function openStream(
  { server, tls }: StreamTarget,
  { signal, unclosed }: { signal: AbortSignal; unclosed: UnclosedConnections },
): Promise<Stream> {
  const host = server.hostname.replaceAll(/[[\]]/g, "");
  const connection = await openConnection({ host, port: server.port }, signal);
  if (tls === undefined) return connection;
  const securing = secured(connection, host, tls);
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = () => {
    unclosed.add(securing);
    securing.then((late) => late.close(), () => {});
    reject(signal.reason);
  };
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const stream = await Promise.race([securing, givenUp]);
    signal.throwIfAborted();
    return stream;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function secured(
  connection: Deno.TcpConn,
  host: string,
  tls: HttpTlsConfig,
): Promise<Deno.TlsConn> {
  const secure = tls.cert === undefined
    ? await Deno.startTls(connection, { hostname: host, caCerts: tls.ca ? [tls.ca] : [] })
    : await startMutualTls(connection, host, tls);
  try {
    await secure.handshake();
    return secure;
  } catch (error) {
    secure.close();
    throw error;
  }
}

/**
 * `Deno.startTls()` takes no certificate of a client, and `Deno.connectTls()` tries only the first address of a name
 * (Deno 2.6.8). A socket of Node's takes both. It shakes hands, and gives the connection away before it reads. When the
 * handshake fails, it says nothing, but `handshake()` does.
 */
function startMutualTls(
  connection: Deno.TcpConn,
  host: string,
  tls: HttpTlsConfig,
): Promise<Deno.TlsConn> {
  const options = { host, secureContext: createSecureContext(tls) };
  // Node's types want a socket, where Node itself needs none.
  const socket = new TLSSocket(undefined as unknown as Socket, options as TLSSocketOptions);
  const handle = handleOf(socket);
  setStream(handle, connection);
  Object.assign(handle, { readStart: () => 0 });
  return new Promise((resolve) => {
    socket.once("secure", () => resolve(streamIn(handle) as Deno.TlsConn));
    handle.afterConnectTls();
  });
}
