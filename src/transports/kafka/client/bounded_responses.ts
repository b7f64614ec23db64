import { Buffer } from "node:buffer";
import Connection from "kafkajs/src/network/connection.js";
import { type BrokerConnection, clientOf } from "./broker_access.ts";
import { FrameError, ResponseFrames } from "./response_frames.ts";

const SIZE_BYTES = 4;
const CORRELATION_ID_BYTES = 4;

/** A connection of kafkajs, as far as it is used here. */
interface ReceivingConnection extends BrokerConnection {
  readonly requestQueue: {
    /** By correlation id. */
    readonly inflight: ReadonlyMap<number, unknown>;
    fulfillRequest(response: { size: number; correlationId: number; payload: Buffer }): void;
  };
  /** Set while the broker answers without the protocol's frames, or to a request without a header. */
  readonly authHandlers: { onSuccess(bytes: Uint8Array): void } | null;
  readonly authExpectResponse: boolean;
}

/** By socket, as a connection that connects again must not go on in the middle of a frame. */
const frames = new WeakMap<object, ResponseFrames>();

/**
 * Bounds the responses of brokers before they take memory (`receive.message.max.bytes`), and closes a connection on
 * which something else than the protocol arrives. As it comes, kafkajs collects whatever a peer sends: a size of 2 GB
 * is believed, and a size of 0 throws where nobody catches.
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
      // Others who listen to the socket may know a better reason: that it is an alert of TLS.
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
  // A connection on which a request has timed out is closed: no answer comes late.
  if (!requestQueue.inflight.has(correlationId)) {
    throw new FrameError("it answers what was not asked: correct the port");
  }
  requestQueue.fulfillRequest({
    size: frame.length,
    correlationId,
    payload: frame.subarray(CORRELATION_ID_BYTES),
  });
}
