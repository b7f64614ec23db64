import Connection from "kafkajs/src/network/connection.js";
import ConnectionPool from "kafkajs/src/network/connectionPool.js";
import { DamagedResponseError } from "./decoder_bounds.ts";

/** A connection of kafkajs, as far as it is used here; it has a socket from its first attempt on. */
interface BrokerConnection {
  readonly socket?: { destroy(error: Error): void };
}

/**
 * As it comes, kafkajs keeps a connection whose requests time out. When the other side has gone without a word, every
 * further request on it times out as well, until TCP gives up after a quarter of an hour. From here on such a
 * connection is dropped together with its sibling (a client has two for each broker), and the next request connects.
 * So is one on which a response came that cannot be read.
 *
 * @see https://github.com/tulios/kafkajs/issues/919
 */
export function dropSilentConnections(): void {
  const { send } = Connection.prototype;
  // Authentication asks a connection without its pool.
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
      // Without an error nobody would notice: kafkajs does not look whether its sockets are closed.
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
