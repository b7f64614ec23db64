import type { Bytes, RecordHeader } from "../../../core/event.ts";

/** A record as encoded in its batch. */
export interface BatchedRecord {
  /** Both deltas are relative to the batch's base offset and base timestamp. */
  readonly offsetDelta: number;
  readonly timestampDeltaMs: number;
  /** A view of the batch's bytes, like the value and the values of headers. */
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** Size of the record, set when its value was left out because of it. */
  readonly oversizeBytes?: number;
}

const NO_HEADERS: readonly RecordHeader[] = [];
/** A byte order mark at the start of a name is part of it. */
export const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Largest 32-bit number, and the most bytes that its varint takes. */
const MAX_LENGTH = 2 ** 31 - 1;
const MAX_LENGTH_BYTES = 5;

/** Factor of the tenth byte, the last one of a 64-bit varint. */
const MAX_FACTOR = 2 ** 63;

/**
 * Reads the records of a batch in sequence. Takes linear time, whatever the headers.
 *
 * @see https://kafka.apache.org/documentation/#record
 */
export class RecordReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #position = 0;
  /** Where the next record begins after its length field. */
  #nextStart = 0;

  /** @param bytes the records of a batch, decompressed */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** The unread bytes. */
  get rest(): Bytes {
    return this.#bytes.subarray(this.#position);
  }

  /** Whether the next record is complete. @throws {RangeError} */
  get hasWhole(): boolean {
    const length = this.nextLength;
    return length !== null && this.#nextStart + length <= this.#bytes.length;
  }

  /** Length of the next record after its length field; null while that is incomplete. @throws {RangeError} */
  get nextLength(): number | null {
    const start = this.#position;
    for (let end = start; this.#bytes[end] !== undefined; end++) {
      if (this.#bytes[end]! >= 0x80) continue;
      const length = this.#varint();
      this.#nextStart = this.#position;
      this.#position = start;
      if (length < 0 || length > MAX_LENGTH) throw damaged();
      return length;
    }
    if (this.#bytes.length - start > MAX_LENGTH_BYTES) throw damaged();
    return null;
  }

  /** @throws {RangeError} when the bytes end before the record does */
  read(): BatchedRecord {
    const length = this.#varint();
    const end = this.#position + length;
    this.#position++; // attributes, unused so far
    const timestampDeltaMs = this.#varint();
    const offsetDelta = this.#varint();
    const key = this.#nullableBytes();
    const value = this.#nullableBytes();
    const headers = this.#headers();
    // Later versions of the format may add fields after the headers.
    if (!(this.#position <= end && end <= this.#bytes.length)) throw damaged();
    this.#position = end;
    return { offsetDelta, timestampDeltaMs, key, value, headers };
  }

  #headers(): readonly RecordHeader[] {
    const count = this.#varint();
    if (count === 0) return NO_HEADERS;
    const headers: RecordHeader[] = [];
    for (let i = 0; i < count; i++) {
      const name = UTF8.decode(this.#nullableBytes() ?? undefined);
      headers.push([name, this.#nullableBytes()]);
    }
    return headers;
  }

  #nullableBytes(): Bytes | null {
    const length = this.#varint();
    if (length < 0) return null;
    const start = this.#position;
    this.#position += length;
    if (this.#position > this.#bytes.length) throw damaged();
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  /** A zigzag varint of 32 or 64 bits, exact up to 2^53. */
  #varint(): number {
    let unsigned = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw damaged();
      unsigned += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 0x80;
      if (factor > MAX_FACTOR) throw damaged();
    }
    return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
  }
}

function damaged(): RangeError {
  return new RangeError("Cannot read a record: its batch ends before it does");
}
