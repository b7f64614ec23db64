import type { Bytes } from "../../../core/event.ts";
import type { OutboundRecord } from "../../../core/result_processor.ts";

/** A record to write; `size` is its {@linkcode recordSize}. */
export interface WritableRecord extends OutboundRecord {
  readonly size: number;
}

/** The most bytes that a record's length (5), attributes (1), timestamp delta (10) and offset delta (5) take. */
export const MAX_PLACE_SIZE = 21;

const NAMES_KEPT = 1000;
const LONGEST_NAME_KEPT = 256;
const TEXT_ENCODER = new TextEncoder();
const encodedNames = new Map<string, Bytes>();

/** Bytes of a record's key, value and headers; its position in a batch adds at most {@linkcode MAX_PLACE_SIZE}. */
export function recordSize({ key, value, headers }: OutboundRecord): number {
  let size = sizeOfBytes(key) + sizeOfBytes(value) + sizeOfVarint(headers.length);
  for (const [name, value] of headers) size += sizeOfBytes(encodeName(name)) + sizeOfBytes(value);
  return size;
}

/** The most bytes that {@linkcode writeRecords} writes. */
export function recordsSize(records: readonly WritableRecord[]): number {
  return records.reduce((sum, { size }) => sum + size + MAX_PLACE_SIZE, 0);
}

/**
 * Writes the records of a batch, with offset deltas from 0 and the timestamp of the batch; returns the position after
 * them.
 *
 * @see https://kafka.apache.org/documentation/#record
 */
export function writeRecords(
  target: Bytes,
  start: number,
  records: readonly WritableRecord[],
): number {
  const writer = new RecordWriter(target, start);
  for (const [offsetDelta, record] of records.entries()) writer.write(record, offsetDelta);
  return writer.position;
}

class RecordWriter {
  readonly #target: Bytes;
  position: number;

  constructor(target: Bytes, position: number) {
    this.#target = target;
    this.position = position;
  }

  write({ size, key, value, headers }: WritableRecord, offsetDelta: number): void {
    this.#varint(2 + sizeOfVarint(offsetDelta) + size);
    this.#target[this.position++] = 0; // attributes, unused so far
    this.#target[this.position++] = 0; // timestamp delta
    this.#varint(offsetDelta);
    this.#bytes(key);
    this.#bytes(value);
    this.#varint(headers.length);
    for (const [name, value] of headers) {
      this.#bytes(encodeName(name));
      this.#bytes(value);
    }
  }

  #bytes(bytes: Bytes | null): void {
    if (bytes === null) {
      this.#varint(-1);
      return;
    }
    this.#varint(bytes.length);
    this.#target.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** A zigzag varint as in Protocol Buffers: seven bits per byte, the lowest first. */
  #varint(value: number): void {
    let rest = zigzag(value);
    // Shifts work on 32 bits only.
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.#byte(rest % 128 | 0x80);
    for (; rest > 0x7f; rest >>>= 7) this.#byte(rest & 0x7f | 0x80);
    this.#byte(rest);
  }

  #byte(byte: number): void {
    this.#target[this.position++] = byte;
  }
}

function sizeOfBytes(bytes: Bytes | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** Cached, as few names recur and encoding a text is a call into the runtime. */
function encodeName(name: string): Bytes {
  const known = encodedNames.get(name);
  if (known !== undefined) return known;
  const encoded = TEXT_ENCODER.encode(name);
  if (encodedNames.size === NAMES_KEPT) encodedNames.clear();
  if (name.length <= LONGEST_NAME_KEPT) encodedNames.set(name, encoded);
  return encoded;
}
