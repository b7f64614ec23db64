import type { ISocketFactoryArgs } from "kafkajs";
import { isIP, type Socket } from "node:net";
import { hostAndPort } from "../../../core/host.ts";
import { ConnectError } from "../../sockets/connect_error.ts";
import { openSocket as openSocketTo } from "../../sockets/open_connection.ts";
import { streamOf } from "../../sockets/tcp_handle.ts";

/** How {@linkcode openSocket} opens a socket. */
export interface SocketOptions {
  readonly connectionTimeoutMs: number;
  /** Whether the cluster advertises the broker's name, and the configuration does not have it. */
  readonly isAdvertised?: boolean;
  /** Called with a broker (`host:port`) that the sandbox does not allow; the connection to it fails. */
  readonly onUngrantedBroker?: ((broker: string) => void) | undefined;
}

/** Opens a socket to a broker, with TLS when `ssl` is given. */
export function openSocket(
  { host, port, ssl, onConnect }: ISocketFactoryArgs,
  { connectionTimeoutMs, isAdvertised = false, onUngrantedBroker }: SocketOptions,
): Socket {
  const broker = hostAndPort(host.toLowerCase(), port);
  if (Deno.permissions.querySync({ name: "net", host: broker }).state !== "granted") {
    onUngrantedBroker?.(broker);
  }
  const tls = ssl ? { ...(isIP(host) ? {} : { servername: host }), ...ssl } : undefined;
  const socket = openSocketTo({ host, port }, tls);
  if (isAdvertised) socket.prependOnceListener("error", explainAdvertised);
  // By then kafkajs has given up and reconnects; a late connection would replace the new one.
  const timer = setTimeout(() => socket.destroy(), connectionTimeoutMs);
  const settled = () => clearTimeout(timer);
  socket.once("close", settled);
  if (!ssl) {
    socket.once("connect", () => {
      settled();
      onConnect();
    });
    return socket;
  }
  socket.once("secureConnect", async () => {
    if (!await isSecure(socket)) return;
    settled();
    onConnect();
  });
  return socket;
}

/** Adds where an unknown host name comes from, as the configuration does not have it. */
function explainAdvertised(error: Error): void {
  if (!(error instanceof ConnectError) || error.code !== "ENOTFOUND") return;
  error.message +=
    ": the broker advertises this name; correct advertised.listeners of the broker, or have the name resolved here";
}

/**
 * Deno 2.6.8 emits `secureConnect` even after a failed handshake, and a write then fails with `write UNKNOWN`. This
 * resolves with false instead, and the socket's `error` event gives the reason.
 */
async function isSecure(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return false;
  try {
    await (streamOf(socket) as Deno.TlsConn).handshake();
    return !socket.destroyed;
  } catch (error) {
    // The socket has already emitted the reason, unless there was no handshake to wait for.
    if (!socket.destroyed) socket.destroy(error instanceof Error ? error : undefined);
    return false;
  }
}
