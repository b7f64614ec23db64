import Connection from "kafkajs/src/network/connection.js";
import ConnectionPool from "kafkajs/src/network/connectionPool.js";
import { DamagedResponseError } from "./decoder_bounds.ts";

/** The members of kafkajs's Connection used here. The first `connect()` sets the socket. */
interface BrokerConnection {
  readonly socket?: { destroy(error: Error): void };
}

/**
 * Patches kafkajs: a request timeout or an unreadable response closes the connection and its sibling (a client has two
 * for each broker), and the next request reconnects. Unpatched, kafkajs keeps the connection. If the peer has vanished,
 * each further request times out until TCP gives up after a quarter of an hour.
 *
 * @see https://github.com/tulios/kafkajs/issues/919
 */
export function dropSilentConnections(): void {
  const { send } = Connection.prototype;
  // Authentication sends on a connection directly, not through its pool.
  Connection.prototype.send = function (request: unknown) {
    return dropOnTimeout(send.call(this, request), [this]);
  };
  const { send: sendByPool } = ConnectionPool.prototype;
  ConnectionPool.prototype.send = function (request: unknown) {
    return dropOnTimeout(sendByPool.call(this, request), this.pool);
  };
}

async function dropOnTimeout<T>(
  response: Promise<T>,
  connections: readonly BrokerConnection[],
): Promise<T> {
  try {
    return await response;
  } catch (error) {
    const reason = reasonToDrop(error);
    if (reason !== null) {
      // kafkajs notices only an error of its socket, not that it is closed.
      for (const { socket } of connections) socket?.destroy(new Error(reason));
    }
    throw error;
  }
}

function reasonToDrop(error: unknown): string | null {
  if (error instanceof DamagedResponseError) return error.message;
  const isTimeout = error instanceof Error && error.name === "KafkaJSRequestTimeoutError";
  return isTimeout ? `no answer: ${error.message}` : null;
}
