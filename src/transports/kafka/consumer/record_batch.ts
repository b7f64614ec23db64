import { Buffer } from "node:buffer";
import type { Bytes, Oversize, RecordHeader } from "../../../core/event.ts";
import { BATCH_ATTRIBUTES, BATCH_FIELDS } from "../records/batch_fields.ts";
import { codecOf } from "../records/compression/codecs.ts";
import { INFLATION_MEMORY } from "../records/compression/inflation_memory.ts";
import { type Held, type LargeRecordRoom, LargeRecords } from "./large_records.ts";
import { type BatchFacts, OpenedBatch } from "./opened_batch.ts";
import { RecordReader } from "./record_reader.ts";

/** A decoded record. */
export interface FetchedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** Set when the record exceeds `maxEventBytes`; its value is then empty. */
  readonly oversize?: Oversize;
  /** Buffer space, to be released when the record's bytes are no longer needed. */
  readonly held?: Held;
}

/** Limits for decoding records. */
export interface OpenOptions {
  /** Largest event in bytes: key, value and headers. */
  readonly maxEventBytes?: number;
  /** Grants buffer space for large records; unlimited when absent. */
  readonly room?: LargeRecordRoom;
}

/** Decodes records one by one. */
export interface OpenedRecords extends Iterator<FetchedRecord, undefined> {
  /**
   * Called when `next()` is done: resolves with whether there is another record now. When absent, there is none.
   *
   * @throws {Error} when the records are damaged
   */
  inflate?(): Promise<boolean>;
  /** Releases all memory and buffer space. */
  close?(): void;
}

/** Records fetched together, in offset order, to be decoded when there is room for them. */
export interface FetchedRecords {
  /** The last offset covered: all records are at or below it, and no others will arrive there. */
  readonly lastOffset: number;
  /** Memory taken before decoding. */
  readonly sizeInBytes: number;
  /** Decompresses; the result decodes record by record on demand. @throws {Error} when damaged */
  open(options?: OpenOptions): Promise<OpenedRecords>;
}

/**
 * A record batch, the format of brokers since 0.11. It stays encoded until opened: decoded, it takes many times the
 * memory.
 *
 * kafkajs, which leaves out control records, takes it for one message at the batch's last offset.
 */
export class RecordBatch implements FetchedRecords {
  /** Whether consumers skip it: a control record, or records of an aborted transaction. */
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #attributes: number;

  /** @param bytes exactly one batch, from its base offset on, with validated fields */
  constructor(bytes: Buffer<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#attributes = bytes.readInt16BE(BATCH_FIELDS.attributes);
    this.isControlRecord = (this.#attributes & BATCH_ATTRIBUTES.control) !== 0;
    this.batchContext = {
      producerId: `${bytes.readBigInt64BE(BATCH_FIELDS.producerId)}`,
      inTransaction: (this.#attributes & BATCH_ATTRIBUTES.transactional) !== 0,
    };
  }

  /** All records are at or above this offset. */
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

  /** Key of a control record, which holds its type; null for a batch of events. */
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

  /** Exact up to 2^53, far above any real offset or timestamp. */
  #int64(position: number): number {
    return this.#bytes.readInt32BE(position) * 2 ** 32 + this.#bytes.readUInt32BE(position + 4);
  }
}

/** zlib and WebAssembly handle a `Buffer` less well than a plain `Uint8Array`. */
function toBytes({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
