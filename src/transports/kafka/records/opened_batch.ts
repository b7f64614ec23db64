import type { Bytes } from "../../../core/event.ts";
import type { Pieces } from "./compression/pieces.ts";
import { INFLATION_MEMORY } from "./compression/inflation_memory.ts";
import type { Held, LargeRecordRoom } from "./large_records.ts";
import type { FetchedRecord, OpenedRecords } from "./record_batch.ts";
import { type BatchedRecord, RecordReader } from "./record_reader.ts";
import { MAX_KEPT_BYTES, readSpanning } from "./spanning_record.ts";

/** Batch fields needed to decode its records. */
export interface BatchFacts {
  readonly baseOffset: number;
  readonly lastOffsetDelta: number;
  readonly recordCount: number;
  /** The timestamp of a record, from its delta to the batch's base timestamp. */
  readonly timestampMs: (deltaMs: number) => number;
}

/** The encoded records of a batch, and limits for decoding them. */
export interface BatchSource {
  /** The bytes at hand; all of them when `pieces` is null. */
  readonly bytes: Bytes;
  readonly pieces: Pieces | null;
  /** Called when the bytes are no longer needed. */
  readonly release: () => void;
  /** Largest event in bytes: key, value and headers. */
  readonly maxEventBytes: number;
  /** Grants buffer space for large records. */
  readonly room: LargeRecordRoom;
}

/** Decodes the records of a batch one by one, and holds no more bytes than the next one needs. */
export class OpenedBatch implements OpenedRecords {
  readonly #facts: BatchFacts;
  readonly #source: BatchSource;
  #reader: RecordReader;
  /** A record that was read from several pieces. */
  #spanning: FetchedRecord | null = null;
  /** Buffer space for the next record, granted or requested. */
  #held: Held | null = null;
  #left: number;
  #lastDelta = -1;
  #isClosed = false;

  constructor(facts: BatchFacts, source: BatchSource) {
    this.#facts = facts;
    this.#source = source;
    this.#reader = new RecordReader(source.bytes);
    this.#left = facts.recordCount;
  }

  next(): IteratorResult<FetchedRecord, undefined> {
    const spanning = this.#spanning;
    if (spanning !== null) {
      this.#spanning = null;
      return { done: false, value: spanning };
    }
    if (this.#source.pieces === null) {
      if (this.#left === 0) return this.#end();
    } else if (this.#left === 0 || this.#missingBytes > 0) {
      return { done: true, value: undefined };
    }
    return { done: false, value: this.#fetched(this.#reader.read()) };
  }

  /** Decompresses until the next record is complete. Resolves with whether there is one. */
  async inflate(): Promise<boolean> {
    const { pieces } = this.#source;
    while (pieces !== null && !this.#isClosed) {
      const outcome = await INFLATION_MEMORY.inTurn(() => this.#inflate(pieces));
      if (typeof outcome === "boolean") return outcome && !this.#isClosed;
      // Other batches may be decompressed meanwhile.
      this.#held = this.#source.room.hold(outcome.neededBytes);
      await this.#held.granted;
    }
    return false;
  }

  /** Resolves with whether there is another record, or with the space that the next one needs. */
  async #inflate(pieces: Pieces): Promise<boolean | { neededBytes: number }> {
    while (this.#left > 0 && this.#missingBytes > 0) {
      const length = this.#reader.nextLength;
      if (length !== null) {
        const isOversized = length > this.#source.maxEventBytes;
        if (!isOversized && this.#held === null) return { neededBytes: length };
        this.#spanning = await this.#readSpanning(pieces, { length, isOversized });
        return true;
      }
      const piece = await this.#nextPiece(pieces);
      if (piece === null) return false;
      this.#reader = new RecordReader(joined(this.#reader.rest, piece));
    }
    if (this.#left > 0) return true;
    if (this.#reader.rest.length > 0 || await pieces.next() !== null) throw surplus();
    this.close();
    return false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#held?.release();
    this.#spanning?.held?.release();
    this.#source.pieces?.close();
    this.#source.release();
  }

  /** Missing bytes of the next record; 1 while unknown. */
  get #missingBytes(): number {
    const { nextLength, rest, lengthBytes } = this.#reader;
    return nextLength === null ? 1 : nextLength + lengthBytes - rest.length;
  }

  #end(): { done: true; value: undefined } {
    if (this.#reader.rest.length > 0) throw surplus();
    this.close();
    return { done: true, value: undefined };
  }

  async #readSpanning(
    pieces: Pieces,
    size: { length: number; isOversized: boolean },
  ): Promise<FetchedRecord | null> {
    const { rest, lengthBytes } = this.#reader;
    const read = await readSpanning({
      ...size,
      bytes: rest.subarray(lengthBytes),
      more: () => this.#nextPiece(pieces),
    });
    if (read === null) return null;
    this.#reader = new RecordReader(read.rest.slice());
    const held = this.#held ?? undefined;
    this.#held = null;
    return this.#fetched(read.record, held);
  }

  /** Resolves with null when closed. */
  async #nextPiece(pieces: Pieces): Promise<Bytes | null> {
    const piece = await pieces.next();
    if (this.#isClosed) return null;
    if (piece === null) throw new RangeError(`the batch ends ${this.#left} records too early`);
    return piece;
  }

  #fetched(record: BatchedRecord, held?: Held): FetchedRecord {
    const { offsetDelta, timestampDeltaMs, key, value, headers } = record;
    const { baseOffset, lastOffsetDelta, timestampMs } = this.#facts;
    if (!(offsetDelta > this.#lastDelta && offsetDelta <= lastOffsetDelta)) {
      throw new RangeError("a record of the batch has the offset of another record or batch");
    }
    this.#lastDelta = offsetDelta;
    this.#left--;
    const at = { offset: baseOffset + offsetDelta, timestampMs: timestampMs(timestampDeltaMs) };
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

function surplus(): RangeError {
  return new RangeError("the batch continues after its last record");
}
