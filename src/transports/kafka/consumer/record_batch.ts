import { Buffer } from "node:buffer";
import Compression from "kafkajs/src/protocol/message/compression/index.js";
import type { Bytes, RecordHeader } from "../../../core/event.ts";
import { BATCH_ATTRIBUTES, BATCH_FIELDS } from "../records/batch_fields.ts";
import { RecordReader } from "./record_reader.ts";

/** One record as it was fetched. */
export interface FetchedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
}

/** Records that were fetched together, to be opened when there is room for them; in the order of their offsets. */
export interface FetchedRecords {
  /** All records are at this offset or below, and nothing else is to come there. */
  readonly lastOffset: number;
  /** What it takes of memory before it is opened. */
  readonly sizeInBytes: number;
  /** Inflates, and decodes one by one as the records are asked for. @throws {Error} when they are damaged */
  open(): Promise<Iterator<FetchedRecord>>;
}

/**
 * A record batch of the format that brokers write since 0.11. It stays as it came until it is opened: decoded, it takes
 * many times the memory.
 *
 * kafkajs, which leaves out control records, takes it for a message at the last offset of the batch.
 */
export class RecordBatch implements FetchedRecords {
  /** Whether kafkajs is to leave it out: a control record, or records of an aborted transaction. */
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #attributes: number;

  /** @param bytes one batch with its offset and length, and nothing behind it; its fields are not damaged */
  constructor(bytes: Buffer<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#attributes = bytes.readInt16BE(BATCH_FIELDS.attributes);
    this.isControlRecord = (this.#attributes & BATCH_ATTRIBUTES.control) !== 0;
    this.batchContext = {
      producerId: `${bytes.readBigInt64BE(BATCH_FIELDS.producerId)}`,
      inTransaction: (this.#attributes & BATCH_ATTRIBUTES.transactional) !== 0,
    };
  }

  /** No record is below. */
  get firstOffset(): number {
    return this.#int64(BATCH_FIELDS.baseOffset);
  }

  get lastOffset(): number {
    return this.firstOffset +
      this.#bytes.readInt32BE(BATCH_FIELDS.lastOffsetDelta);
  }

  get offset(): string {
    return `${this.lastOffset}`;
  }

  /** What a control record is for; null for a batch of events. */
  get key(): Bytes | null {
    if (!this.isControlRecord) return null;
    return this.#read(this.#bytes.subarray(BATCH_FIELDS.records)).next().value?.key ?? null;
  }

  get sizeInBytes(): number {
    return this.#bytes.length;
  }

  async open(): Promise<Iterator<FetchedRecord>> {
    const records = this.#bytes.subarray(BATCH_FIELDS.records);
    const codec = Compression.lookupCodecByAttributes(this.#attributes);
    return this.#read(codec === null ? records : await codec.decompress(records));
  }

  *#read(records: Uint8Array<ArrayBuffer>): Generator<FetchedRecord, undefined> {
    const baseOffset = this.#int64(BATCH_FIELDS.baseOffset);
    const reader = new RecordReader(records);
    for (let count = this.#bytes.readInt32BE(BATCH_FIELDS.recordCount); count > 0; count--) {
      const { offsetDelta, timestampDeltaMs, key, value, headers } = reader.read();
      const offset = baseOffset + offsetDelta;
      yield { offset, timestampMs: this.#timestampMs(timestampDeltaMs), key, value, headers };
    }
  }

  #timestampMs(deltaMs: number): number {
    return (this.#attributes & BATCH_ATTRIBUTES.logAppendTime) !== 0
      ? this.#int64(BATCH_FIELDS.maxTimestamp)
      : this.#int64(BATCH_FIELDS.baseTimestamp) + deltaMs;
  }

  /** Exact up to 2^53, which is far beyond what offsets and timestamps come to. */
  #int64(position: number): number {
    return this.#bytes.readInt32BE(position) * 2 ** 32 + this.#bytes.readUInt32BE(position + 4);
  }
}
