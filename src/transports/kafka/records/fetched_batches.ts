import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { BATCH_ATTRIBUTES, BATCH_FIELDS, BATCH_MAGIC } from "./batch_fields.ts";
import { crc32c } from "./crc32c.ts";
import { type FetchedBatch, RecordBatch } from "./record_batch.ts";
import { RecordReader } from "./record_reader.ts";

/** Received records that cannot be read. */
export interface Unreadable {
  /** The first unreadable offset; the next fetch offset when absent. */
  readonly offset?: number | undefined;
  /** Completes "cannot read orders[3]@17: "; holds no payload. */
  readonly reason: string;
}

/** The records of one partition in a response. */
export interface FetchedBatches {
  readonly messages: readonly FetchedBatch[];
  /** Unreadable data after `messages`; null when there is none, or only a batch that was cut off. */
  readonly unreadable: Unreadable | null;
}

/** Byte positions in a message before Kafka 0.11, up to its key. */
const OLD_FIELDS = { checksum: 12, checksumEnd: 16, smallest: 26 };

/**
 * Reads the records of a partition up to where the broker cut them off, or to the first damaged batch.
 *
 * @param bytes stay in memory as long as any of the records
 */
export async function readBatches(
  bytes: Buffer<ArrayBuffer>,
  readOldMessages: (message: Buffer) => Promise<readonly FetchedBatch[] | string>,
): Promise<FetchedBatches> {
  const messages: FetchedBatch[] = [];
  let nextOffset: number | undefined;
  const damaged = (reason: string) => ({ messages, unreadable: { offset: nextOffset, reason } });
  for (let position = 0; position < bytes.length;) {
    const rest = bytes.subarray(position);
    const length = rest.length < BATCH_FIELDS.lengthEnd
      ? Infinity
      : BATCH_FIELDS.lengthEnd + rest.readInt32BE(BATCH_FIELDS.length);
    if (length <= BATCH_FIELDS.magic) return damaged(tooShort(length));
    if (length > rest.length) {
      // Brokers cut off what exceeds the request's limits, but send the first batch whole (KIP-74).
      if (position > 0) break;
      const size = Number.isFinite(length) ? ` of ${length}` : "";
      return damaged(`the broker sent ${rest.length}${size} bytes of the first batch and no more`);
    }
    const batch = rest.subarray(0, length);
    const magic = batch.readInt8(BATCH_FIELDS.magic);
    const isOld = magic === 0 || magic === 1;
    if (!isOld && magic !== BATCH_MAGIC) {
      return damaged(`the broker sent a batch of the unknown format ${magic}`);
    }
    const reason = isOld ? damageOfMessage(batch) : damageOfBatch(batch);
    if (reason !== null) return damaged(reason);
    const fetched = isOld ? await readOldMessages(batch) : [new RecordBatch(batch)];
    if (typeof fetched === "string") return damaged(fetched);
    for (const records of fetched) {
      if (nextOffset !== undefined && records.firstOffset < nextOffset) {
        return damaged(`the broker sent offset ${records.firstOffset} after ${nextOffset - 1}`);
      }
      messages.push(records);
      nextOffset = records.lastOffset + 1;
    }
    position += length;
  }
  return { messages, unreadable: null };
}

/** What is wrong with the fields of a batch; null when they are valid. */
function damageOfBatch(batch: Buffer<ArrayBuffer>): string | null {
  if (batch.length < BATCH_FIELDS.records) return tooShort(batch.length);
  const checksum = crc32c(batch.subarray(BATCH_FIELDS.checksumEnd));
  if (checksum !== batch.readUInt32BE(BATCH_FIELDS.checksum)) return WRONG_CHECKSUM;
  const baseOffset = batch.readBigInt64BE(BATCH_FIELDS.baseOffset);
  const lastOffsetDelta = batch.readInt32BE(BATCH_FIELDS.lastOffsetDelta);
  const count = batch.readInt32BE(BATCH_FIELDS.recordCount);
  if (!isOffset(baseOffset) || lastOffsetDelta < 0) {
    return `the broker sent a batch from offset ${baseOffset} to ${
      baseOffset + BigInt(lastOffsetDelta)
    }`;
  }
  if (!isReadableControl(batch)) return "a control record of the broker is damaged";
  return count < 0 || count > lastOffsetDelta + 1
    ? `the broker sent a batch of ${count} records for ${lastOffsetDelta + 1} offsets`
    : null;
}

/** Whether a control batch says how its transaction ended; true for all others. */
function isReadableControl(batch: Buffer<ArrayBuffer>): boolean {
  const attributes = batch.readInt16BE(BATCH_FIELDS.attributes);
  if ((attributes & BATCH_ATTRIBUTES.control) === 0) return true;
  try {
    return new RecordReader(batch.subarray(BATCH_FIELDS.records)).read().key !== null;
  } catch {
    return false;
  }
}

function damageOfMessage(message: Buffer): string | null {
  if (message.length < OLD_FIELDS.smallest) return tooShort(message.length);
  const checksum = crc32(message.subarray(OLD_FIELDS.checksumEnd));
  if (checksum !== message.readUInt32BE(OLD_FIELDS.checksum)) return WRONG_CHECKSUM;
  const offset = message.readBigInt64BE(BATCH_FIELDS.baseOffset);
  return isOffset(offset) ? null : `the broker sent a message with the offset ${offset}`;
}

const WRONG_CHECKSUM = "the checksum of a batch does not match its bytes";

function tooShort(length: number): string {
  return `the broker sent a batch of ${length} bytes, less than its own fields take`;
}

function isOffset(offset: bigint): boolean {
  return offset >= 0n && offset <= Number.MAX_SAFE_INTEGER;
}
