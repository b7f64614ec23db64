import { Buffer } from "node:buffer";
import type { Bytes, Oversize, RecordHeader } from "../../../core/event.ts";
import { BATCH_ATTRIBUTES, BATCH_FIELDS } from "../records/batch_fields.ts";
import { codecOf } from "../records/compression/codecs.ts";
import { INFLATION_MEMORY } from "../records/compression/inflation_memory.ts";
import { type Held, type LargeRecordRoom, LargeRecords } from "./large_records.ts";
import { type BatchFacts, OpenedBatch } from "./opened_batch.ts";
import { RecordReader } from "./record_reader.ts";

/** One record as it was fetched. */
export interface FetchedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** Set when the record is larger than an event may be; its value is empty then. */
  readonly oversize?: Oversize;
  /** To be released when its bytes are not needed any more. */
  readonly held?: Held;
}

/** What is said to open records. */
export interface OpenOptions {
  /** What an event may take: key, value and headers. */
  readonly maxEventBytes?: number;
  /** Where its large records wait for room; without one, they have all they need. */
  readonly room?: LargeRecordRoom;
}

/** Records that are read one by one. */
export interface OpenedRecords extends Iterator<FetchedRecord, undefined> {
  /**
   * Called when there is no further record: resolves with whether there is one now. Without it, there is none.
   *
   * @throws {Error} when they are damaged
   */
  inflate?(): Promise<boolean>;
  /** Gives up what is held. */
  close?(): void;
}

/** Records that were fetched together, to be opened when there is room for them; in the order of their offsets. */
export interface FetchedRecords {
  /** All records are at this offset or below, and nothing else is to come there. */
  readonly lastOffset: number;
  /** What it takes of memory before it is opened. */
  readonly sizeInBytes: number;
  /** Inflates, and decodes one by one as the records are asked for. @throws {Error} when they are damaged */
  open(options?: OpenOptions): Promise<OpenedRecords>;
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
    return new RecordReader(this.#bytes.subarray(BATCH_FIELDS.records)).read().key;
  }

  get sizeInBytes(): number {
    return this.#bytes.length;
  }

  async open(
    { maxEventBytes = Infinity, room = new LargeRecords({ maxBufferedBytes: Infinity }).room() }:
      OpenOptions = {},
  ): Promise<OpenedRecords> {
    const records = this.#bytes.subarray(BATCH_FIELDS.records);
    const codec = codecOf(this.#attributes);
    const whole = codec === null
      ? { bytes: records, release() {} }
      : await INFLATION_MEMORY.whole(codec, toBytes(records));
    const { bytes, release } = whole ?? { bytes: new Uint8Array(), release() {} };
    const pieces = whole === null && codec !== null
      ? INFLATION_MEMORY.inPieces(codec, toBytes(records))
      : null;
    return new OpenedBatch(this.#facts, { bytes, pieces, release, maxEventBytes, room });
  }

  get #facts(): BatchFacts {
    return {
      baseOffset: this.firstOffset,
      lastOffsetDelta: this.#bytes.readInt32BE(BATCH_FIELDS.lastOffsetDelta),
      recordCount: this.#bytes.readInt32BE(BATCH_FIELDS.recordCount),
      timestampMs: (deltaMs) => this.#timestampMs(deltaMs),
    };
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

/** zlib and WebAssembly treat a Buffer worse than the bytes that it is. */
function toBytes({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
