import type { Bytes } from "../../../core/event.ts";
import type { Pieces } from "./compression/pieces.ts";
import { INFLATION_MEMORY } from "./compression/inflation_memory.ts";
import type { Held, LargeRecordRoom } from "./large_records.ts";
import type { FetchedRecord, OpenedRecords, RecordBatch } from "./record_batch.ts";
import { type BatchedRecord, RecordReader } from "./record_reader.ts";
import { MAX_KEPT_BYTES, readSpanning } from "./spanning_record.ts";

/** The encoded records of a batch, and limits for decoding them. */
export interface BatchSource {
  /** The bytes at hand; all of them when there are no pieces. */
  readonly bytes: Bytes;
  readonly pieces?: Pieces | null;
  /** Called when the bytes are no longer needed. */
  readonly release?: () => void;
  /** Largest event in bytes: key, value and headers. */
  readonly maxEventBytes: number;
  /** Grants buffer space for large records. */
  readonly room: LargeRecordRoom;
}

/** Decodes the records of a batch one by one, and holds no more bytes than the next one needs. */
export class OpenedBatch implements OpenedRecords {
  readonly #batch: RecordBatch;
  readonly #source: BatchSource;
  #reader: RecordReader;
  /** A record that was read from several pieces. */
  #spanning: FetchedRecord | null = null;
  /** Buffer space for the next record, granted or requested. */
  #held: Held | null = null;
  #left: number;
  #lastOffset: number;
  #isClosed = false;

  constructor(batch: RecordBatch, source: BatchSource) {
    this.#batch = batch;
    this.#source = source;
    this.#reader = new RecordReader(source.bytes);
    this.#left = batch.recordCount;
    this.#lastOffset = batch.firstOffset - 1;
  }

  next(): IteratorResult<FetchedRecord, undefined> {
    const spanning = this.#spanning;
    if (spanning !== null) {
      this.#spanning = null;
      return { done: false, value: spanning };
    }
    const { pieces } = this.#source;
    if (this.#left > 0 && (!pieces || this.#reader.hasWhole)) {
      return { done: false, value: this.#fetched(this.#reader.read()) };
    }
    if (!pieces) this.#end(this.#reader.rest);
    return { done: true, value: undefined };
  }

  /** Decompresses until the next record is complete. Resolves with whether there is one. */
  async inflate(): Promise<boolean> {
    const { pieces } = this.#source;
    try {
      while (pieces && !this.#isClosed) {
        const outcome = await INFLATION_MEMORY.inTurn(() => this.#inflate(pieces));
        if (typeof outcome === "boolean") return outcome && !this.#isClosed;
        // Other batches may be decompressed meanwhile.
        this.#held = this.#source.room.hold(outcome.neededBytes);
        await this.#held.granted;
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
    return false;
  }

  /** Resolves with whether there is another record, or with the space that the next one needs. */
  async #inflate(pieces: Pieces): Promise<boolean | { neededBytes: number }> {
    while (this.#left > 0 && !this.#reader.hasWhole) {
      const length = this.#reader.nextLength;
      if (length !== null) {
        const isOversized = length > this.#source.maxEventBytes;
        if (!isOversized && this.#held === null) return { neededBytes: length };
        await this.#readSpanning(pieces, isOversized);
        return true;
      }
      this.#reader = new RecordReader(joined(this.#reader.rest, await this.#nextPiece(pieces)));
    }
    if (this.#left > 0) return true;
    this.#end(this.#reader.rest.length > 0 ? this.#reader.rest : await pieces.next());
    return false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#held?.release();
    this.#spanning?.held?.release();
    this.#source.pieces?.close();
    this.#source.release?.();
  }

  #end(surplus: Bytes | null): void {
    if (surplus !== null && surplus.length > 0) {
      throw new RangeError("the batch continues after its last record");
    }
    this.close();
  }

  async #readSpanning(pieces: Pieces, isOversized: boolean): Promise<void> {
    const more = () => this.#nextPiece(pieces);
    const { record, rest } = await readSpanning({ isOversized, bytes: this.#reader.rest, more });
    if (this.#isClosed) throw closed();
    this.#reader = new RecordReader(rest.slice());
    const held = this.#held ?? undefined;
    this.#held = null;
    this.#spanning = this.#fetched(record, held);
  }

  /** @throws {Error} at the end of the batch, and when the batch was closed */
  async #nextPiece(pieces: Pieces): Promise<Bytes> {
    const piece = await pieces.next();
    if (piece === null) throw new RangeError(`the batch ends ${this.#left} records too early`);
    if (this.#isClosed) throw closed();
    return piece;
  }

  #fetched(record: BatchedRecord, held?: Held): FetchedRecord {
    const { offsetDelta, timestampDeltaMs, key, value, headers } = record;
    const offset = this.#batch.firstOffset + offsetDelta;
    if (!(offset > this.#lastOffset && offset <= this.#batch.lastOffset)) {
      throw new RangeError("a record of the batch has the offset of another record or batch");
    }
    this.#lastOffset = offset;
    this.#left--;
    const at = { offset, timestampMs: this.#batch.timestampMs(timestampDeltaMs) };
    const bytes = record.oversizeBytes ?? sizeOf(record);
    const { maxEventBytes } = this.#source;
    if (bytes <= maxEventBytes) {
      return held === undefined
        ? { ...at, key, value, headers }
        : { ...at, key, value, headers, held };
    }
    held?.release();
    return { ...at, ...withoutValue(record), oversize: { bytes, maxBytes: maxEventBytes } };
  }
}

function withoutValue(
  { key, headers }: BatchedRecord,
): Pick<FetchedRecord, "key" | "value" | "headers"> {
  const value = new Uint8Array();
  return sizeOf({ key, value, headers }) <= MAX_KEPT_BYTES
    ? {
      key: key?.slice() ?? null,
      value,
      headers: headers.map(([name, value]) => [name, value?.slice() ?? null]),
    }
    : { key: null, value, headers: [] };
}

/** The size that limits apply to: key, value and headers. */
export function sizeOf(
  { key, value, headers }: Pick<BatchedRecord, "key" | "value" | "headers">,
): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, value] of headers) bytes += name.length + (value?.length ?? 0);
  return bytes;
}

function joined(one: Bytes, other: Bytes): Bytes {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}

function closed(): Error {
  return new Error("the batch is closed");
}
