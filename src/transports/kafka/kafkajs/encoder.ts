import { Buffer } from "node:buffer";
import Encoder from "kafkajs/src/protocol/encoder.js";
import { replacement } from "./replacement.ts";

/** Room for the request header that kafkajs writes before a payload: a few numbers and the client id. */
const HEADROOM = 1024;

/** Larger buffers are not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** A buffer for consecutive requests, as allocating one costs more than the rest of a request. */
export class RequestMemory {
  #kept = Buffer.alloc(0);

  /** Returns at least `size` bytes of any content. The buffer taken before must not be in use any more. */
  take(size: number): Buffer<ArrayBuffer> {
    if (size <= this.#kept.length) return this.#kept;
    // Twice the size, so that a slightly larger request fits, too.
    const taken = Buffer.allocUnsafeSlow(2 * size);
    if (taken.length <= MAX_KEPT_BYTES) this.#kept = taken;
    return taken;
  }
}

/** The payload of a request with room before it, so that kafkajs need not copy it twice. */
export class RequestPayload {
  #memory: Buffer<ArrayBuffer>;
  #start = HEADROOM;
  #end: number;

  /** @param write writes at most `size` bytes from `start` on, and returns the position after them */
  constructor(
    { size, memory }: { size: number; memory: RequestMemory },
    write: (target: Buffer<ArrayBuffer>, start: number) => number,
  ) {
    this.#memory = memory.take(HEADROOM + size);
    this.#end = write(this.#memory, HEADROOM);
  }

  /** Named as in kafkajs's Encoder. */
  get buffer(): Buffer<ArrayBuffer> {
    return this.#memory.subarray(this.#start, this.#end);
  }

  /** Named as in kafkajs's Encoder. */
  size(): number {
    return this.#end - this.#start;
  }

  /** Inserts bytes before the payload. */
  prepend(bytes: Buffer): void {
    if (bytes.length > this.#start) {
      this.#memory = Buffer.concat([bytes, this.buffer]);
      this.#start = 0;
      this.#end = this.#memory.length;
    } else {
      this.#start -= bytes.length;
      this.#memory.set(bytes, this.#start);
    }
  }
}

const { writeEncoder } = Encoder.prototype;

export const ENCODER = replacement("Encoder", Encoder.prototype, {
  /**
   * Does not copy a {@linkcode RequestPayload} into the request. kafkajs goes on with the returned payload: it calls
   * this after writing the header, and again after the total size.
   */
  writeEncoder(this: { readonly buffer: Buffer }, payload: unknown): unknown {
    if (!(payload instanceof RequestPayload)) return writeEncoder.call(this, payload);
    payload.prepend(this.buffer);
    return payload;
  },
});
