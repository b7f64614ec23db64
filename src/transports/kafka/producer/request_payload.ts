import { Buffer } from "node:buffer";
import Encoder from "kafkajs/src/protocol/encoder.js";

/** Room for what kafkajs writes before a payload: a few numbers, and the client's name. */
const HEADROOM = 1024;

/** Larger pieces are not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** Memory for requests that go out one after the other, as fresh memory costs more than all else about them. */
export class RequestMemory {
  #kept = Buffer.alloc(0);

  /** At least `size` bytes with anything in them. What was taken before must not be needed any more. */
  take(size: number): Buffer<ArrayBuffer> {
    if (size <= this.#kept.length) return this.#kept;
    // Requests differ in size, and none should need a little more than the last one.
    const taken = Buffer.allocUnsafeSlow(2 * size);
    if (taken.length <= MAX_KEPT_BYTES) this.#kept = taken;
    return taken;
  }
}

/** The payload of a request where kafkajs needs not copy it, twice: with room before it. */
export class RequestPayload {
  #memory: Buffer<ArrayBuffer>;
  #start = HEADROOM;
  #end: number;

  /** @param write writes at most `size` bytes from `start` on, and returns the position behind them */
  constructor(
    { size, memory }: { size: number; memory: RequestMemory },
    write: (target: Buffer<ArrayBuffer>, start: number) => number,
  ) {
    this.#memory = memory.take(HEADROOM + size);
    this.#end = write(this.#memory, HEADROOM);
  }

  /** The name is kafkajs's. */
  get buffer(): Buffer<ArrayBuffer> {
    return this.#memory.subarray(this.#start, this.#end);
  }

  /** The name is kafkajs's. */
  size(): number {
    return this.#end - this.#start;
  }

  /** Puts bytes before all others. */
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

/** From here on, requests whose payload is a {@linkcode RequestPayload} go out without being copied. */
export function useRequestPayloads(): void {
  const { writeEncoder } = Encoder.prototype;
  // What it returns is what kafkajs goes on with: once behind the header, and once more behind the size of both.
  Encoder.prototype.writeEncoder = function (payload: unknown) {
    if (!(payload instanceof RequestPayload)) return writeEncoder.call(this, payload);
    payload.prepend(this.buffer);
    return payload;
  };
}
