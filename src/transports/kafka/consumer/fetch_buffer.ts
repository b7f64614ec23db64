import type { LargeRecordRoom } from "../records/large_records.ts";
import type { FetchedRecord, FetchedRecords, OpenedRecords } from "../records/record_batch.ts";

/** A partition with this many fetched, undelivered bytes is not fetched. */
const MAX_BYTES = 256 * 1024;

/** After a rise within this time, another one is likely: the buffer is being drained. */
const SOON_AFTER_MS = 1000;

/** Signals when partitions of a member want more records. */
export class FetchDemand {
  #rise = new AbortController();
  #lastRiseMs = -Infinity;

  /** Aborts when a partition next wants more. */
  get nextRise(): AbortSignal {
    return this.#rise.signal;
  }

  /** Whether the next rise is likely to be soon. */
  get risesSoon(): boolean {
    return performance.now() - this.#lastRiseMs < SOON_AFTER_MS;
  }

  /** Called when a partition wants more again. */
  noteRise(): void {
    this.#lastRiseMs = performance.now();
    this.#rise.abort();
    this.#rise = new AbortController();
  }
}

/** Limits and callbacks of a partition's fetch buffer. */
export interface FetchBufferOptions {
  /** Where fetching starts. */
  readonly nextOffset: number;
  /** How many bytes may wait, if fewer than usual. */
  readonly maxBytes: () => number;
  /** Largest event in bytes: key, value and headers. */
  readonly maxEventBytes: number;
  /** Grants buffer space for large records. */
  readonly room: LargeRecordRoom;
  readonly demand: FetchDemand;
  /** Called when no record below this offset is left. */
  readonly passed: (nextOffset: number) => void;
  /** Called when `next()` may return a record again. */
  readonly opened: () => void;
  /** Called when nothing more can be read: records up to `lastOffset` are damaged. */
  readonly unreadable: (lastOffset: number, reason: string) => void;
}

interface Opened {
  readonly lastOffset: number;
  readonly records: OpenedRecords;
}

/** The fetched records of a partition that wait for delivery. Opens one batch after the other. */
export class FetchBuffer {
  readonly #options: FetchBufferOptions;
  readonly #waiting: FetchedRecords[] = [];
  /** Without the opened batch. */
  #bytes = 0;
  #end: number;
  #wantedMore = true;
  #opened: Opened | null = null;
  #isOpening = false;
  #isClosed = false;

  constructor(options: FetchBufferOptions) {
    this.#options = options;
    this.#end = options.nextOffset;
  }

  /** All offsets below have been fetched. */
  get end(): number {
    return this.#end;
  }

  get wantsMore(): boolean {
    return !this.#isClosed && this.#bytes < Math.min(MAX_BYTES, this.#options.maxBytes());
  }

  /**
   * Adds fetched records, except those fetched before. Two brokers may send the same ones around a leader change, and a
   * kept partition is fetched again from its committed offset.
   *
   * @param nextOffset where the next fetch begins: nothing else exists below it
   */
  add(fetched: readonly FetchedRecords[], nextOffset: number): void {
    for (const records of fetched) {
      if (records.lastOffset < this.#end) continue;
      this.#waiting.push(records);
      this.#bytes += records.sizeInBytes;
    }
    this.#wantedMore = this.wantsMore;
    this.#end = Math.max(this.#end, nextOffset);
  }

  /** The next record; null when there is none, or a batch must be opened first. */
  next(): FetchedRecord | null {
    if (this.#isClosed || this.#isOpening) return null;
    if (this.#opened !== null) {
      const next = this.#read(this.#opened);
      if (next !== undefined) return next;
      if (this.#isClosed || this.#inflate(this.#opened)) return null;
      this.#pass(this.#opened);
    }
    this.#openNext();
    return null;
  }

  /** Ends reading, and releases the opened batch. */
  close(): void {
    this.#isClosed = true;
    this.#opened?.records.close?.();
    this.#opened = null;
  }

  #read({ lastOffset, records }: Opened): FetchedRecord | undefined {
    try {
      return records.next().value;
    } catch (error) {
      this.#fail(lastOffset, error);
      return undefined;
    }
  }

  #pass({ lastOffset }: Opened): void {
    this.#options.passed(lastOffset + 1);
    this.#opened = null;
  }

  /** Returns whether there may be more records. */
  #inflate(opened: Opened): boolean {
    const inflating = opened.records.inflate?.();
    if (inflating === undefined) return false;
    this.#isOpening = true;
    inflating.then((hasMore) => {
      if (!hasMore && !this.#isClosed) this.#pass(opened);
      this.#continue();
    }, (error) => this.#fail(opened.lastOffset, error));
    return true;
  }

  #openNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return this.#options.passed(this.#end);
    const { lastOffset } = next;
    this.#isOpening = true;
    next.open(this.#options).then((records) => {
      if (this.#isClosed) return records.close?.();
      this.#opened = { lastOffset, records };
      this.#bytes -= next.sizeInBytes;
      this.#noteShrunk();
      this.#continue();
    }, (error) => this.#fail(lastOffset, error));
  }

  #noteShrunk(): void {
    if (this.#wantedMore || !this.wantsMore) return;
    this.#wantedMore = true;
    this.#options.demand.noteRise();
  }

  #continue(): void {
    this.#isOpening = false;
    this.#options.opened();
  }

  /** Ends reading: later records must not be settled as if the damaged ones were. */
  #fail(lastOffset: number, error: unknown): void {
    if (this.#isClosed) return;
    this.close();
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.unreadable(lastOffset, reason);
  }
}
