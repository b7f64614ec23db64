import type { LargeRecordRoom } from "./large_records.ts";
import type { FetchedRecord, FetchedRecords, OpenedRecords } from "./record_batch.ts";

/** Who reads the records that wait. */
export interface WaitingRecordsOptions {
  /** What an event may take: key, value and headers. */
  readonly maxEventBytes: number;
  /** Where large records wait for room. */
  readonly room: LargeRecordRoom;
  /** Told that all records up to an offset have been read. */
  readonly passed: (lastOffset: number) => void;
  /** Told when there may be a next record where there was none before. */
  readonly opened: () => void;
  /** Told when less waits. */
  readonly shrank: () => void;
  /** Told that nothing more can be read: records up to an offset are damaged. */
  readonly unreadable: (lastOffset: number, reason: string) => void;
}

interface Opened {
  readonly lastOffset: number;
  readonly records: OpenedRecords;
}

/** Records of a partition that were fetched and wait to be delivered. They are opened one batch after the other. */
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

  /** How much of memory waits. What is opened does not count. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing waits, and nothing is being opened. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#opened === null && !this.#isOpening;
  }

  /** Whether nothing more comes: it cannot be read, or nobody wants it. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  add(records: FetchedRecords): void {
    this.#waiting.push(records);
    this.#bytes += records.sizeInBytes;
  }

  /** The next record, or null when there is none, or it has to be opened before. */
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

  /** Gives up what waits. */
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

  /** Returns whether there may be more. */
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

  /** Nothing comes from here on: what follows must not be settled as if this were. */
  #fail(lastOffset: number, error: unknown): void {
    if (this.#isEnded) return;
    this.end();
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.unreadable(lastOffset, reason);
  }
}
