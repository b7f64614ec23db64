import type { ISocketFactoryArgs } from "kafkajs";
import { isIP, type Socket } from "node:net";
import { hostAndPort } from "../../../core/host.ts";
import { ConnectError } from "../../sockets/connect_error.ts";
import { openSocket as openSocketTo } from "../../sockets/open_connection.ts";
import { streamOf } from "../../sockets/tcp_handle.ts";

/** What is to be known of a socket besides what it carries. */
export interface SocketOptions {
  readonly connectionTimeoutMs: number;
  /** Whether the broker goes by a name that the cluster has told, not the configuration. */
  readonly isAdvertised?: boolean;
  /** Told of a broker, as `host:port`, that the sandbox does not allow; the connection to it fails. */
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
  if (isAdvertised) socket.prependOnceListener("error", tellAdvertised);
  // kafkajs gives up by then, and tries again; a connection that comes about later would take the place of the new one.
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

/** The configuration does not have this name, so whoever looks for it needs to know where it comes from. */
function tellAdvertised(error: Error): void {
  if (!(error instanceof ConnectError) || error.code !== "ENOTFOUND") return;
  error.message +=
    ": the broker advertises this name; correct advertised.listeners of the broker, or have the name resolved here";
}

/**
 * Deno 2.6.8 says `secureConnect` when a handshake has ended in any way, and whoever writes after one that has failed
 * is told of `write UNKNOWN`. Whoever waits gets the reason as an error of the socket.
 */
async function isSecure(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return false;
  try {
    await (streamOf(socket) as Deno.TlsConn).handshake();
    return !socket.destroyed;
  } catch (error) {
    // The reason has come before, unless there is no handshake to wait for.
    if (!socket.destroyed) socket.destroy(error instanceof Error ? error : undefined);
    return false;
  }
}
