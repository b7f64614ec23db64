import { Buffer } from "node:buffer";
import Connection from "kafkajs/src/network/connection.js";
import ConnectionPool from "kafkajs/src/network/connectionPool.js";
import { hostAndPort } from "../../../core/host.ts";
import { FrameError, ResponseFrames } from "../client/response_frames.ts";
import { type BrokerConnection, clientOf } from "./clients.ts";
import { DamagedResponseError } from "./decoder.ts";
import { connectInTurn, refusalOf } from "./logins.ts";
import { replacement } from "./replacement.ts";
import { noteSaslFailure, type SentRequest } from "./sasl_authenticator.ts";

const SIZE_BYTES = 4;
const CORRELATION_ID_BYTES = 4;

/** The members of kafkajs's Connection that receiving uses. */
interface ReceivingConnection extends BrokerConnection {
  readonly requestQueue: {
    /** By correlation id. */
    readonly inflight: ReadonlyMap<number, unknown>;
    fulfillRequest(response: { size: number; correlationId: number; payload: Buffer }): void;
  };
  /** Set during SASL, while responses have no frames or answer requests without a header. */
  readonly authHandlers: { onSuccess(bytes: Uint8Array): void } | null;
  readonly authExpectResponse: boolean;
}

const { connect, send } = Connection.prototype;
const { send: sendByPool } = ConnectionPool.prototype;

const connecting = new WeakMap<BrokerConnection, Promise<boolean>>();

/** Keyed by socket, so that a reconnected connection starts with a new frame. */
const frames = new WeakMap<object, ResponseFrames>();

export const CONNECTION = replacement("Connection", Connection.prototype, {
  /**
   * Logs in through the throttle. kafkajs opens two sockets when two requests find none, and forgets one of them. It
   * takes an untrusted certificate for a network failure and tries again: accounts get locked.
   */
  connect(this: BrokerConnection): Promise<boolean> {
    const client = clientOf(this);
    if (client === undefined || this.isConnected()) return connect.call(this);
    this.broker = hostAndPort(this.host, this.port);
    const underWay = connecting.get(this);
    if (underWay !== undefined) return underWay;
    const started = connectInTurn(this, { client, connect: () => connect.call(this) })
      .finally(() => connecting.delete(this));
    connecting.set(this, started);
    return started;
  },

  /** Fails with the broker's refusal, if there was one, and drops a connection that nothing can be expected of. */
  async send(this: BrokerConnection, request: SentRequest): Promise<unknown> {
    try {
      return await send.call(this, request);
    } catch (error) {
      dropSilent([this], error);
      noteSaslFailure(this, request, error);
      throw refusalOf(this) ?? error;
    }
  },

  /**
   * Takes at most `receive.message.max.bytes` for a response, checked before it takes memory. Closes a connection
   * that receives anything but Kafka's protocol. kafkajs buffers up to 2 GB if a peer announces that much, and a size
   * of 0 throws an uncaught error.
   */
  processData(this: ReceivingConnection, bytes: Buffer): void {
    const { socket, authHandlers } = this;
    if (authHandlers !== null && !this.authExpectResponse) return authHandlers.onSuccess(bytes);
    if (socket === undefined) return;
    let received = frames.get(socket);
    if (received === undefined) {
      received = new ResponseFrames(clientOf(this)?.config.maxResponseBytes ?? Infinity);
      frames.set(socket, received);
    }
    const wasBroken = received.isBroken;
    try {
      for (const frame of received.push(bytes)) handOver(frame, this);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      if (wasBroken) return;
      // Deferred, as another `data` listener may know a better reason: a TLS alert.
      queueMicrotask(() => socket.destroy(error));
    }
  },
});

export const CONNECTION_POOL = replacement("ConnectionPool", ConnectionPool.prototype, {
  /** When a request times out or its response is damaged, closes all connections of the pool. Logins bypass the pool. */
  async send(
    this: { readonly pool: readonly BrokerConnection[] },
    request: unknown,
  ): Promise<unknown> {
    try {
      return await sendByPool.call(this, request);
    } catch (error) {
      dropSilent(this.pool, error);
      throw error;
    }
  },
});

/**
 * Closes connections after a request timeout or an unreadable response; the next request reconnects. kafkajs keeps
 * them. If the peer has vanished, each further request times out until TCP gives up after a quarter of an hour.
 *
 * @see https://github.com/tulios/kafkajs/issues/919
 */
function dropSilent(connections: readonly BrokerConnection[], error: unknown): void {
  if (!(error instanceof Error)) return;
  const isDamaged = error instanceof DamagedResponseError;
  if (!isDamaged && error.name !== "KafkaJSRequestTimeoutError") return;
  const reason = isDamaged ? error.message : `no answer: ${error.message}`;
  // kafkajs notices only an error of its socket, not that it is closed.
  for (const { socket } of connections) socket?.destroy(new Error(reason));
}

function handOver(frame: Buffer, { authHandlers, requestQueue }: ReceivingConnection): void {
  if (authHandlers !== null) {
    const size = Buffer.alloc(SIZE_BYTES);
    size.writeInt32BE(frame.length);
    return authHandlers.onSuccess(Buffer.concat([size, frame]));
  }
  const correlationId = frame.readInt32BE();
  // A late response cannot be the reason: a request that times out closes its connection.
  if (!requestQueue.inflight.has(correlationId)) {
    throw new FrameError("its response is to no request: correct the port");
  }
  requestQueue.fulfillRequest({
    size: frame.length,
    correlationId,
    payload: frame.subarray(CORRELATION_ID_BYTES),
  });
}
