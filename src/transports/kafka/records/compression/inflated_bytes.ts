import type { Bytes } from "../../../../core/event.ts";
import type { InflatedOutput } from "./inflated_output.ts";

/** From this length on, a bulk copy is faster than byte by byte. */
const LONG = 32;

/** Collects the output of a decompressor, whose size is limited but unknown in advance. */
export class InflatedBytes implements InflatedOutput {
  readonly isFull = false;
  readonly #maxLength: number;
  #bytes: Bytes;
  #length = 0;

  /** @param expectedLength the probable size of the output */
  constructor(expectedLength: number, maxLength: number) {
    this.#maxLength = maxLength;
    this.#bytes = new Uint8Array(Math.min(expectedLength, maxLength));
  }

  /** The output so far, as a view of memory that nothing else uses. */
  get bytes(): Bytes {
    return this.#bytes.subarray(0, this.#length);
  }

  append(source: Bytes, start: number, end: number): void {
    if (end > source.length) throw new Error("it is cut off");
    const count = end - start;
    const target = this.#withRoomFor(count);
    if (count < LONG) {
      const shift = this.#length - start;
      for (let index = start; index < end; index++) target[index + shift] = source[index]!;
    } else {
      target.set(source.subarray(start, end), this.#length);
    }
    this.#length += count;
  }

  repeat(distance: number, count: number): number {
    if (distance < 1 || distance > this.#length) throw new Error("it is damaged");
    const target = this.#withRoomFor(count);
    const end = this.#length + count;
    if (count < LONG) {
      for (let to = this.#length; to < end; to++) target[to] = target[to - distance]!;
    } else {
      const start = this.#length - distance;
      // Each copy doubles the bytes to copy from.
      for (let to = this.#length; to < end; to = start + 2 * (to - start)) {
        target.copyWithin(to, start, start + Math.min(to - start, end - to));
      }
    }
    this.#length = end;
    return count;
  }

  #withRoomFor(count: number): Bytes {
    const needed = this.#length + count;
    if (needed > this.#maxLength) throw tooLarge(this.#maxLength);
    if (needed > this.#bytes.length) {
      const bytes = new Uint8Array(
        Math.min(Math.max(needed, 2 * this.#bytes.length), this.#maxLength),
      );
      bytes.set(this.bytes);
      this.#bytes = bytes;
    }
    return this.#bytes;
  }
}

/** The error when the output would exceed its limit. */
export function tooLarge(maxLength: number): Error {
  return new Error(`it takes more than ${maxLength / 1024 / 1024} MiB uncompressed`);
}
