import type { LargeRecordRoom } from "./large_records.ts";
import type { FetchedRecord, FetchedRecords, OpenedRecords } from "./record_batch.ts";

/** Limits and callbacks of a partition's fetch buffer. */
export interface WaitingRecordsOptions {
  /** Largest event in bytes: key, value and headers. */
  readonly maxEventBytes: number;
  /** Grants buffer space for large records. */
  readonly room: LargeRecordRoom;
  /** Called when all records up to an offset have been read. */
  readonly passed: (lastOffset: number) => void;
  /** Called when `next()` may return a record again. */
  readonly opened: () => void;
  /** Called when the buffer has shrunk. */
  readonly shrank: () => void;
  /** Called when nothing more can be read: records up to `lastOffset` are damaged. */
  readonly unreadable: (lastOffset: number, reason: string) => void;
}

interface Opened {
  readonly lastOffset: number;
  readonly records: OpenedRecords;
}

/** The fetch buffer of a partition: records that wait for delivery. Opens one batch after the other. */
export class WaitingRecords {
  readonly #options: WaitingRecordsOptions;
  readonly #waiting: FetchedRecords[] = [];
  #bytes = 0;
  #opened: Opened | null = null;
  #isOpening = false;
  #isEnded = false;

  constructor(options: WaitingRecordsOptions) {
    this.#options = options;
  }

  /** Buffered bytes, without the opened batch. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing is buffered, opened or being opened. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#opened === null && !this.#isOpening;
  }

  /** Whether nothing more comes: records are damaged, or the partition was given up. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  add(records: FetchedRecords): void {
    this.#waiting.push(records);
    this.#bytes += records.sizeInBytes;
  }

  /** The next record; null when there is none, or a batch must be opened first. */
  next(): FetchedRecord | null {
    if (this.#isEnded || this.#isOpening) return null;
    if (this.#opened !== null) {
      const next = this.#read(this.#opened);
      if (next !== undefined) return next;
      if (this.#isEnded || this.#inflate(this.#opened)) return null;
      this.#pass(this.#opened);
    }
    this.#openNext();
    return null;
  }

  /** Ends reading, and releases the opened batch. */
  end(): void {
    this.#isEnded = true;
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
    this.#options.passed(lastOffset);
    this.#opened = null;
  }

  /** Returns whether there may be more records. */
  #inflate(opened: Opened): boolean {
    const inflating = opened.records.inflate?.();
    if (inflating === undefined) return false;
    this.#isOpening = true;
    inflating.then((hasMore) => {
      if (!hasMore && !this.#isEnded) this.#pass(opened);
      this.#goOn();
    }, (error) => this.#fail(opened.lastOffset, error));
    return true;
  }

  #openNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const { lastOffset } = next;
    this.#isOpening = true;
    next.open(this.#options).then((records) => {
      if (this.#isEnded) return records.close?.();
      this.#opened = { lastOffset, records };
      this.#bytes -= next.sizeInBytes;
      this.#options.shrank();
      this.#goOn();
    }, (error) => this.#fail(lastOffset, error));
  }

  #goOn(): void {
    this.#isOpening = false;
    this.#options.opened();
  }

  /** Ends reading: later records must not be settled as if the damaged ones were. */
  #fail(lastOffset: number, error: unknown): void {
    if (this.#isEnded) return;
    this.end();
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.unreadable(lastOffset, reason);
  }
}
