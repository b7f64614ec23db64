import type { ISocketFactoryArgs } from "kafkajs";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const KEEP_ALIVE_MS = 60_000;

/** What is to be known of a socket besides what it carries. */
export interface SocketOptions {
  readonly connectionTimeoutMs: number;
  /** Told of a broker, as `host:port`, that the sandbox does not allow; the connection to it fails. */
  readonly onUngrantedBroker?: ((broker: string) => void) | undefined;
}

/** Opens a socket to a broker, with TLS when `ssl` is given. */
export function openSocket(
  { host, port, ssl, onConnect }: ISocketFactoryArgs,
  { connectionTimeoutMs, onUngrantedBroker }: SocketOptions,
): Socket {
  const broker = `${host.toLowerCase()}:${port}`;
  if (Deno.permissions.querySync({ name: "net", host: broker }).state !== "granted") {
    onUngrantedBroker?.(broker);
  }
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl })
    : connectTcp({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // A request is one write: to wait for more would delay it by the answer to the one before.
  socket.setNoDelay(true);
  // kafkajs gives up by then, and tries again; a connection that comes about later would take the place of the new one.
  const timer = setTimeout(() => socket.destroy(), connectionTimeoutMs);
  const settled = () => clearTimeout(timer);
  socket.once("close", settled);
  if (!ssl) {
    socket.once("connect", settled);
    return socket;
  }
  socket.once("secureConnect", async () => {
    if (!await isSecure(socket)) return;
    settled();
    onConnect();
  });
  return socket;
}

/**
 * Deno 2.6.8 says `secureConnect` when a handshake has ended in any way, and whoever writes after one that has failed
 * is told of `write UNKNOWN`. Whoever waits gets the reason as an error of the socket.
 */
async function isSecure(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return false;
  try {
    await tlsConnectionOf(socket).handshake();
    return !socket.destroyed;
  } catch (error) {
    // The reason has come before, unless there is no handshake to wait for.
    if (!socket.destroyed) socket.destroy(error instanceof Error ? error : undefined);
    return false;
  }
}

/** Deno's own connection below a socket of Node's, which is kept under a symbol. */
function tlsConnectionOf(socket: Socket): Deno.TlsConn {
  const handle: unknown = Reflect.get(socket, "_handle");
  for (let at = handle; at; at = Object.getPrototypeOf(at)) {
    const key = Object.getOwnPropertySymbols(at)
      .find(({ description }) => description === "kStreamBaseField");
    if (key !== undefined) return Reflect.get(Object(handle), key);
  }
  throw new Error("Deno has changed: its sockets hide what is TLS");
}
