import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { firstConnection } from "./connection_race.ts";
import type { Target } from "./connect.ts";
import { dialsOf } from "./dials.ts";
import { type ConnectRequest, handleOf, setStream } from "./tcp_handle.ts";

/**
 * Connects to the first address of a target that answers. The next address is tried when an attempt has failed or has
 * taken 250 ms (RFC 8305, simplified).
 *
 * @throws {ConnectError} why no address could be connected to
 * @throws the reason of `signal` when it aborts first
 */
export async function openConnection(target: Target, signal: AbortSignal): Promise<Deno.TcpConn> {
  const connection = await firstConnection(dialsOf(target), signal);
  // A request is one write: Nagle's algorithm would delay it until the previous one is acknowledged.
  connection.setNoDelay(true);
  connection.setKeepAlive(true);
  return connection;
}

/**
 * A Node socket that connects as `openConnection()` does, with TLS if there are options for it. It can be destroyed
 * while it connects, and then leaves nothing open.
 */
export function openSocket({ host, port }: Target, tls?: ConnectionOptions): Socket {
  // The lookup keeps Node from resolving names itself.
  const options = {
    host,
    port,
    autoSelectFamily: false,
    lookup: (_host: string, _options: object, found: Found) =>
      queueMicrotask(() => found(null, "127.0.0.1", 4)),
  };
  const socket = tls === undefined ? connectTcp(options) : connectTls({ ...options, ...tls });
  const closed = new AbortController();
  socket.once("close", () => closed.abort(new Error("closed")));
  const handle = handleOf(socket);
  const connect = (request: ConnectRequest) => {
    openConnection({ host, port }, closed.signal).then((connection) => {
      if (socket.destroyed) return connection.close();
      setStream(handle, connection);
      handle.afterConnect(request, 0);
    }, (error) => socket.destroy(error));
    return 0;
  };
  Object.assign(handle, { connect, connect6: connect });
  return socket;
}

/** Node's callback for a resolved address. */
type Found = (error: null, address: string, family: number) => void;
