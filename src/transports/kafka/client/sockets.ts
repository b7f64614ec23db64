import type { ISocketFactoryArgs } from "kafkajs";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const KEEP_ALIVE_MS = 60_000;

/** What is to be known of a socket besides what it carries. */
export interface SocketOptions {
  readonly connectionTimeoutMs: number;
  /** Told of a broker, as `host:port`, that the sandbox does not allow; the connection to it fails. */
  readonly onUngrantedBroker?: ((broker: string) => void) | undefined;
  /** Called when the first bytes come. */
  readonly onAnswer: () => void;
}

/** Opens a socket to a broker, with TLS when `ssl` is given. */
export function openSocket(
  { host, port, ssl, onConnect }: ISocketFactoryArgs,
  { connectionTimeoutMs, onUngrantedBroker, onAnswer }: SocketOptions,
): Socket {
  const broker = `${host.toLowerCase()}:${port}`;
  if (Deno.permissions.querySync({ name: "net", host: broker }).state !== "granted") {
    onUngrantedBroker?.(broker);
  }
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  // A request is one write: to wait for more would delay it by the answer to the one before.
  socket.setNoDelay(true);
  socket.once("data", onAnswer);
  // kafkajs gives up by then, and tries again; a connection that comes about later would take the place of the new one.
  const timer = setTimeout(() => socket.destroy(), connectionTimeoutMs);
  for (const event of [ssl ? "secureConnect" : "connect", "close"]) {
    socket.once(event, () => clearTimeout(timer));
  }
  return socket;
}
