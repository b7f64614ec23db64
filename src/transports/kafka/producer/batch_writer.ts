import { Buffer } from "node:buffer";
import Compression from "kafkajs/src/protocol/message/compression/index.js";
import type { Bytes } from "../../../core/event.ts";
import { BATCH_ATTRIBUTES, BATCH_FIELDS, BATCH_MAGIC } from "../records/batch_fields.ts";
import { crc32c } from "../records/crc32c.ts";
import {
  recordsSize,
  type RecordTimes,
  type WritableRecord,
  writeRecords,
} from "./record_writer.ts";

/** By what brokers recognize what is repeated. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A record batch, ready to be written. */
export interface WritableBatch extends ProducerIdentity {
  readonly firstSequence: number;
  readonly attributes: number;
  readonly records: readonly WritableRecord[];
  readonly times: RecordTimes;
  readonly maxTimestampMs: number;
  /** The records, when they are compressed. */
  readonly compressed: Bytes | null;
}

/** Makes a batch of records, which are compressed here. */
export async function prepareBatch(
  records: readonly WritableRecord[],
  { compression, isTransactional, ...numbers }: ProducerIdentity & {
    readonly firstSequence: number;
    readonly compression: number;
    readonly isTransactional: boolean;
  },
): Promise<WritableBatch> {
  // What `Date.now()` tells goes on evenly, whatever the clock shows.
  const nowMs = new Date().getTime();
  let firstTimestampMs = Infinity;
  let maxTimestampMs = -Infinity;
  for (const { timestampMs = nowMs } of records) {
    firstTimestampMs = Math.min(firstTimestampMs, timestampMs);
    maxTimestampMs = Math.max(maxTimestampMs, timestampMs);
  }
  const times = { nowMs, firstTimestampMs };
  const compressed = compression === Compression.Types.None
    ? null
    : await compress(records, { times, compression });
  return {
    ...numbers,
    attributes: (compressed === null ? Compression.Types.None : compression) |
      (isTransactional ? BATCH_ATTRIBUTES.transactional : 0),
    records,
    times,
    maxTimestampMs,
    compressed,
  };
}

/** Bytes of a batch when it is written, at most. */
export function batchSize({ compressed, records }: WritableBatch): number {
  return BATCH_FIELDS.records + (compressed?.length ?? recordsSize(records));
}

/** Writes a batch; returns the position behind it. */
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
  writeInt64(target, at("baseTimestamp"), batch.times.firstTimestampMs);
  writeInt64(target, at("maxTimestamp"), batch.maxTimestampMs);
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
  { compressed, records, times }: WritableBatch,
): number {
  if (compressed === null) return writeRecords(target, start, { records, times });
  target.set(compressed, start);
  return start + compressed.length;
}

/** Null when that would make them larger, and perhaps too large for their topic. */
async function compress(
  records: readonly WritableRecord[],
  { times, compression }: { times: RecordTimes; compression: number },
): Promise<Bytes | null> {
  const memory = Buffer.allocUnsafe(recordsSize(records));
  const buffer = memory.subarray(0, writeRecords(memory, 0, { records, times }));
  const compressed = await Compression.lookupCodec(compression).compress({ buffer });
  return compressed.length < buffer.length ? compressed : null;
}

/** Exact for whole numbers up to 2^53, which is far beyond what times and producers come to. */
function writeInt64(target: Buffer, position: number, value: number): void {
  target.writeInt32BE(Math.floor(value / 2 ** 32), position);
  target.writeInt32BE(value | 0, position + 4);
}
