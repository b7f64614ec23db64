import { Buffer } from "node:buffer";
import type { Bytes, Oversize, RecordHeader } from "../../../core/event.ts";
import { BATCH_ATTRIBUTES, BATCH_FIELDS } from "./batch_fields.ts";
import { codecOf } from "./compression/codecs.ts";
import { INFLATION_MEMORY } from "./compression/inflation_memory.ts";
import { type Held, type LargeRecordRoom, LargeRecords } from "./large_records.ts";
import { OpenedBatch } from "./opened_batch.ts";
import { RecordReader } from "./record_reader.ts";

/** The type of a control record is in the last two bytes of its key; 0 is an abort. */
const CONTROL_TYPE = 3;
const ABORT = 0;

const NOTHING: Bytes = new Uint8Array();

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

/** What a broker sent together. */
export interface FetchedBatch extends FetchedRecords {
  /** All records are at or above this offset. */
  readonly firstOffset: number;
  /** Whether consumers skip it: a control record, or records of an aborted transaction. */
  readonly isSkipped: boolean;
}

/**
 * A record batch, the format of brokers since 0.11. It stays encoded until opened: decoded, it takes many times the
 * memory.
 */
export class RecordBatch implements FetchedBatch {
  isSkipped: boolean;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #attributes: number;

  /** @param bytes exactly one batch, from its base offset on, with validated fields */
  constructor(bytes: Buffer<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#attributes = bytes.readInt16BE(BATCH_FIELDS.attributes);
    this.isSkipped = this.#is("control");
    this.firstOffset = this.#int64(BATCH_FIELDS.baseOffset);
    this.lastOffset = this.firstOffset + bytes.readInt32BE(BATCH_FIELDS.lastOffsetDelta);
  }

  get producerId(): number {
    return this.#int64(BATCH_FIELDS.producerId);
  }

  get isTransactional(): boolean {
    return this.#is("transactional");
  }

  /** Whether it marks that a transaction of its producer was aborted. */
  get isAbort(): boolean {
    if (!this.#is("control")) return false;
    const { key } = new RecordReader(this.#bytes.subarray(BATCH_FIELDS.records)).read();
    return key?.[CONTROL_TYPE] === ABORT;
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
    if (codec === null) return new OpenedBatch(this, { bytes: records, maxEventBytes, room });
    const compressed = toBytes(records);
    const whole = await INFLATION_MEMORY.whole(codec, compressed);
    const pieces = whole === null ? INFLATION_MEMORY.inPieces(codec, compressed) : null;
    return new OpenedBatch(this, { bytes: NOTHING, ...whole, pieces, maxEventBytes, room });
  }

  get recordCount(): number {
    return this.#bytes.readInt32BE(BATCH_FIELDS.recordCount);
  }

  /** The timestamp of a record, from its delta to the batch's base timestamp. */
  timestampMs(deltaMs: number): number {
    return this.#is("logAppendTime")
      ? this.#int64(BATCH_FIELDS.maxTimestamp)
      : this.#int64(BATCH_FIELDS.baseTimestamp) + deltaMs;
  }

  #is(attribute: keyof typeof BATCH_ATTRIBUTES): boolean {
    return (this.#attributes & BATCH_ATTRIBUTES[attribute]) !== 0;
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
