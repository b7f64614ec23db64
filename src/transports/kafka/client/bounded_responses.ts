import { Buffer } from "node:buffer";
import Connection from "kafkajs/src/network/connection.js";
import { type BrokerConnection, clientOf } from "./broker_access.ts";
import { FrameError, ResponseFrames } from "./response_frames.ts";

const SIZE_BYTES = 4;
const CORRELATION_ID_BYTES = 4;

/** The members of kafkajs's Connection used here. */
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

/** Keyed by socket, so that a reconnected connection starts with a new frame. */
const frames = new WeakMap<object, ResponseFrames>();

/**
 * Patches kafkajs: a response may have at most `receive.message.max.bytes`, checked before it takes memory. A
 * connection that receives anything but Kafka's protocol is closed. Unpatched, kafkajs buffers up to 2 GB if a peer
 * announces that much, and a size of 0 throws an uncaught error.
 */
export function boundResponseFrames(): void {
  Connection.prototype.processData = function (this: ReceivingConnection, bytes: Buffer) {
    const { socket, authHandlers } = this;
    if (authHandlers !== null && !this.authExpectResponse) return authHandlers.onSuccess(bytes);
    if (socket === undefined) return;
    let received = frames.get(socket);
    if (received === undefined) {
      const limit = clientOf(this)?.config.maxResponseBytes ?? Infinity;
      received = new ResponseFrames(limit);
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
  };
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
    throw new FrameError("it answers what was not asked: correct the port");
  }
  requestQueue.fulfillRequest({
    size: frame.length,
    correlationId,
    payload: frame.subarray(CORRELATION_ID_BYTES),
  });
}
