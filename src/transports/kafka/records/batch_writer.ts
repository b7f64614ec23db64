import type { Buffer } from "node:buffer";
import type { Bytes } from "../../../core/event.ts";
import { BATCH_FIELDS, BATCH_MAGIC } from "./batch_fields.ts";
import { type Codec, codecOf } from "./compression/codecs.ts";
import { crc32c } from "./crc32c.ts";
import { recordsSize, type WritableRecord, writeRecords } from "./record_writer.ts";

const NO_COMPRESSION = 0;

/** Identifies a producer, so that brokers recognize repeated batches; -1 when they need not. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A record batch, ready to be written. */
export interface WritableBatch extends ProducerIdentity {
  readonly firstSequence: number;
  readonly attributes: number;
  readonly records: readonly WritableRecord[];
  /** Of all records, in milliseconds since 1970. */
  readonly timestampMs: number;
  /** The compressed records; null when they are written uncompressed. */
  readonly compressed: Bytes | null;
}

/** Makes a batch of records, and compresses them. */
export async function prepareBatch(
  records: readonly WritableRecord[],
  { compression, ...numbers }: ProducerIdentity & {
    readonly firstSequence: number;
    readonly compression: number;
  },
): Promise<WritableBatch> {
  const codec = codecOf(compression);
  const compressed = codec === null ? null : await compress(records, codec);
  return {
    ...numbers,
    attributes: compressed === null ? NO_COMPRESSION : compression,
    records,
    // Not `Date.now()`, which is monotonic here and ignores changes of the system clock.
    timestampMs: new Date().getTime(),
    compressed,
  };
}

/** The largest size of a batch when written, in bytes. */
export function batchSize({ compressed, records }: WritableBatch): number {
  return BATCH_FIELDS.records + (compressed?.length ?? recordsSize(records));
}

/** Writes a batch; returns the position after it. */
export function writeBatch(
  target: Buffer<ArrayBuffer>,
  start: number,
  batch: WritableBatch,
): number {
  const at = (field: keyof typeof BATCH_FIELDS) => start + BATCH_FIELDS[field];
  const end = writePayload(target, at("records"), batch);
  writeInt64(target, at("baseOffset"), 0); // the broker sets the offsets
  target.writeInt32BE(end - at("lengthEnd"), at("length"));
  target.writeInt32BE(0, at("leaderEpoch")); // the broker sets it, too
  target.writeInt8(BATCH_MAGIC, at("magic"));
  target.writeInt16BE(batch.attributes, at("attributes"));
  target.writeInt32BE(batch.records.length - 1, at("lastOffsetDelta"));
  writeInt64(target, at("baseTimestamp"), batch.timestampMs);
  writeInt64(target, at("maxTimestamp"), batch.timestampMs);
  writeInt64(target, at("producerId"), batch.producerId);
  target.writeInt16BE(batch.producerEpoch, at("producerEpoch"));
  target.writeInt32BE(batch.firstSequence, at("baseSequence"));
  target.writeInt32BE(batch.records.length, at("recordCount"));
  target.writeUInt32BE(crc32c(target.subarray(at("checksumEnd"), end)), at("checksum"));
  return end;
}

function writePayload(
  target: Bytes,
  start: number,
  { compressed, records }: WritableBatch,
): number {
  if (compressed === null) return writeRecords(target, start, records);
  target.set(compressed, start);
  return start + compressed.length;
}

/** Resolves with null when compression would enlarge the records, perhaps beyond their topic's limit. */
async function compress(
  records: readonly WritableRecord[],
  codec: Codec,
): Promise<Bytes | null> {
  const memory = new Uint8Array(recordsSize(records));
  const bytes = memory.subarray(0, writeRecords(memory, 0, records));
  const compressed = await codec.compress(bytes);
  return compressed.length < bytes.length ? compressed : null;
}

/** Exact for integers up to 2^53, far more than timestamps and producer ids reach. */
function writeInt64(target: Buffer, position: number, value: number): void {
  target.writeInt32BE(Math.floor(value / 2 ** 32), position);
  target.writeInt32BE(value | 0, position + 4);
}
