import type { Socket } from "node:net";
import { createSecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import { orAborted } from "../../core/backoff.ts";
import { openConnection } from "../sockets/open_connection.ts";
import { handleOf, setStream, streamIn } from "../sockets/tcp_handle.ts";
import type { Server } from "./server.ts";
import type { UnclosedConnections } from "./unclosed_connections.ts";

/** TLS settings of an endpoint, as PEM texts. */
export interface HttpTlsConfig {
  /** Authorities in addition to the platform's. */
  readonly ca?: string;
  /** The client's certificate, followed by intermediate ones. */
  readonly cert?: string;
  /** The private key of `cert`, not encrypted; present if `cert` is. */
  readonly key?: string;
}

export type Stream = Pick<Deno.Conn, "read" | "write" | "close">;

/** The server of a stream, and its TLS settings. */
export interface StreamTarget {
  readonly server: Server;
  /** Absent for plain TCP. */
  readonly tls?: HttpTlsConfig | undefined;
}

/**
 * Connects, with TLS if the target has it. Resolves when the server's certificate is accepted; whether the server
 * accepts the client's may show only at the first `read()` (RFC 8446, 2).
 *
 * @param unclosed counts handshakes that were given up
 * @throws {Error} why the connection failed
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
  try {
    return await orAborted(securing, signal);
  } catch (error) {
    if (signal.aborted) {
      unclosed.add(securing);
      securing.then((late) => late.close(), () => {});
    }
    throw error;
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
 * `Deno.startTls()` accepts no client certificate, and `Deno.connectTls()` tries only the first address of a name (Deno
 * 2.6.8). A Node socket accepts a certificate and a connection. It shakes hands, and gives the connection away before
 * it reads. `handshake()` reports a failed handshake; the socket does not.
 */
function startMutualTls(
  connection: Deno.TcpConn,
  host: string,
  tls: HttpTlsConfig,
): Promise<Deno.TlsConn> {
  const options = { host, secureContext: createSecureContext(tls) };
  // Node's types require a socket, Node itself does not.
  const socket = new TLSSocket(undefined as unknown as Socket, options as TLSSocketOptions);
  const handle = handleOf(socket);
  setStream(handle, connection);
  Object.assign(handle, { readStart: () => 0 });
  return new Promise((resolve) => {
    socket.once("secure", () => resolve(streamIn(handle) as Deno.TlsConn));
    handle.afterConnectTls();
  });
}
