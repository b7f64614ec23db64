import { Buffer } from "node:buffer";
import type { Bytes, RecordHeader } from "../../../src/core/event.ts";
import { crc32c } from "../../../src/transports/kafka/records/crc32c.ts";
import { bytes } from "../events.ts";

/** A record to be written byte by byte, as no producer would have to. */
export interface RecordFields {
  readonly timestampDeltaMs?: number;
  readonly offsetDelta?: number;
  readonly key?: Bytes | null;
  readonly value?: Bytes | null;
  readonly headers?: readonly RecordHeader[];
  /** Instead of the number of headers. */
  readonly headerCount?: number;
  /** Fields that a later version of the format may have. */
  readonly behindHeaders?: Bytes;
}

/** The fields of a record batch before its records. */
export interface BatchFields {
  readonly baseOffset?: number;
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly baseTimestampMs?: number;
  readonly maxTimestampMs?: number;
  readonly producerId?: number;
  readonly count?: number;
}

type Part = Uint8Array | readonly number[];

export function concat(...parts: readonly Part[]): Bytes {
  return concatAll(parts);
}

function concatAll(parts: readonly Part[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}

/** A signed number in 1 to 10 bytes, zigzag. */
export function varint(value: number): number[] {
  let rest = value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value);
  const written: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) written.push(Number(rest & 0x7fn) | 0x80);
  return [...written, Number(rest)];
}

/** One record as it stands in a batch. */
export function recordBytes(
  {
    timestampDeltaMs = 0,
    offsetDelta = 0,
    key = null,
    value = null,
    headers = [],
    headerCount = headers.length,
    behindHeaders = new Uint8Array(),
  }: RecordFields = {},
): Bytes {
  const body = concat(
    [0],
    varint(timestampDeltaMs),
    varint(offsetDelta),
    nullableBytes(key),
    nullableBytes(value),
    varint(headerCount),
    concatAll(
      headers.flatMap(([name, value]) => [nullableBytes(bytes(name)), nullableBytes(value)]),
    ),
    behindHeaders,
  );
  return concat(varint(body.length), body);
}

/** A record batch: its fields, and what stands for its records, compressed or not. */
export function batchBytes(
  records: readonly Uint8Array[],
  {
    baseOffset = 0,
    attributes = 0,
    lastOffsetDelta = records.length - 1,
    baseTimestampMs = 0,
    maxTimestampMs = 0,
    producerId = -1,
    count = records.length,
  }: BatchFields = {},
): Buffer<ArrayBuffer> {
  const payload = concatAll(records);
  const batch = Buffer.alloc(61 + payload.length);
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(lastOffsetDelta, 23);
  batch.writeBigInt64BE(BigInt(baseTimestampMs), 27);
  batch.writeBigInt64BE(BigInt(maxTimestampMs), 35);
  batch.writeBigInt64BE(BigInt(producerId), 43);
  batch.writeInt32BE(count, 57);
  batch.set(payload, 61);
  return sealed(batch);
}

/** Sets the checksum of a batch to what its bytes have. */
export function sealed<B extends Buffer>(batch: B): B {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

/** The batch that ends a transaction. */
export function markerBytes(
  { offset, producerId, isAbort }: { offset: number; producerId: number; isAbort: boolean },
): Buffer<ArrayBuffer> {
  const marker = recordBytes({
    key: Uint8Array.of(0, 0, 0, isAbort ? 0 : 1),
    value: new Uint8Array(6),
  });
  return batchBytes([marker], { baseOffset: offset, producerId, attributes: 0x30 });
}

function nullableBytes(bytes: Bytes | null): Bytes {
  return bytes === null ? concat(varint(-1)) : concat(varint(bytes.length), bytes);
}
