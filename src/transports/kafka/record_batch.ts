import { Buffer } from "node:buffer";
import Compression from "kafkajs/src/protocol/message/compression/index.js";
import type { Bytes, RecordHeader } from "../../event.ts";
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

/** Where the fields of a record batch stand. */
const BASE_OFFSET = 0;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const BASE_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const RECORD_COUNT = 57;
const RECORDS = 61;

const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/**
 * A record batch of the format that brokers write since 0.11. It stays as it came until it is opened: decoded, it takes
 * many times the memory.
 *
 * kafkajs, which leaves out control records, takes it for a message at the last offset of the batch.
 *
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export class RecordBatch implements FetchedRecords {
  /** Whether kafkajs is to leave it out: a control record, or records of an aborted transaction. */
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #attributes: number;

  /** @param bytes one batch with its offset and length, and nothing behind it */
  constructor(bytes: Buffer<ArrayBuffer>) {
    if (bytes.length < RECORDS) throw new RangeError("Cannot read a record batch: it is cut off");
    this.#bytes = bytes;
    this.#attributes = bytes.readInt16BE(ATTRIBUTES);
    this.isControlRecord = (this.#attributes & CONTROL) !== 0;
    this.batchContext = {
      producerId: `${bytes.readBigInt64BE(PRODUCER_ID)}`,
      inTransaction: (this.#attributes & TRANSACTIONAL) !== 0,
    };
  }

  get lastOffset(): number {
    return this.#int64(BASE_OFFSET) + this.#bytes.readInt32BE(LAST_OFFSET_DELTA);
  }

  get offset(): string {
    return `${this.lastOffset}`;
  }

  /** What a control record is for; null for a batch of events. */
  get key(): Bytes | null {
    if (!this.isControlRecord) return null;
    return this.#read(this.#bytes.subarray(RECORDS)).next().value?.key ?? null;
  }

  get sizeInBytes(): number {
    return this.#bytes.length;
  }

  async open(): Promise<Iterator<FetchedRecord>> {
    const records = this.#bytes.subarray(RECORDS);
    const codec = Compression.lookupCodecByAttributes(this.#attributes);
    return this.#read(codec === null ? records : await codec.decompress(records));
  }

  *#read(records: Uint8Array<ArrayBuffer>): Generator<FetchedRecord, undefined> {
    const baseOffset = this.#int64(BASE_OFFSET);
    const reader = new RecordReader(records);
    for (let count = this.#bytes.readInt32BE(RECORD_COUNT); count > 0; count--) {
      const { offsetDelta, timestampDeltaMs, key, value, headers } = reader.read();
      const offset = baseOffset + offsetDelta;
      yield { offset, timestampMs: this.#timestampMs(timestampDeltaMs), key, value, headers };
    }
  }

  #timestampMs(deltaMs: number): number {
    return (this.#attributes & LOG_APPEND_TIME) !== 0
      ? this.#int64(MAX_TIMESTAMP)
      : this.#int64(BASE_TIMESTAMP) + deltaMs;
  }

  /** Exact up to 2^53, which is far beyond what offsets and timestamps come to. */
  #int64(position: number): number {
    return this.#bytes.readInt32BE(position) * 2 ** 32 + this.#bytes.readUInt32BE(position + 4);
  }
}
