import { BATCH_FIELDS } from "../records/batch_fields.ts";
import { MAX_PLACE_SIZE, type WritableRecord } from "../records/record_writer.ts";

/** Where the first record of a batch is stored. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A record that waits to be stored. */
export interface WaitingRecord extends WritableRecord {
  /** Once aborted, the record is not sent any more. */
  readonly signal: AbortSignal;
  /** @param place `RESULTS[3]@1842` */
  resolve(place: string): void;
  reject(error: unknown): void;
}

/** Records of one partition that are sent together, and stored together or not at all. */
export class Batch {
  /** How often sending it has failed. */
  failures = 0;

  constructor(readonly partition: number, readonly records: readonly WaitingRecord[]) {}

  /** Its largest size when sent, before compression. */
  get bytes(): number {
    return this.records.reduce((sum, record) => sum + bytesOf(record), BATCH_FIELDS.records);
  }

  /** Two batches, each with half of the records. */
  halves(): [Batch, Batch] {
    const middle = Math.ceil(this.records.length / 2);
    return [
      new Batch(this.partition, this.records.slice(0, middle)),
      new Batch(this.partition, this.records.slice(middle)),
    ];
  }

  /** The batch without some of its records, and with the same failures. */
  without(isGone: (record: WaitingRecord) => boolean): Batch {
    const rest = new Batch(this.partition, this.records.filter((record) => !isGone(record)));
    rest.failures = this.failures;
    return rest;
  }

  resolve({ topic, partition, offset }: RecordPlace): void {
    const start = `${topic}[${partition}]@`;
    for (const [index, record] of this.records.entries()) record.resolve(start + (offset + index));
  }

  reject(error: unknown): void {
    for (const record of this.records) record.reject(error);
  }
}

/** The limits of a batch; a single record may exceed `bytes`. */
export interface BatchLimits {
  readonly bytes: number;
  readonly records: number;
}

/** The records that wait for one partition, in order of arrival. */
export class PartitionQueue {
  /** The batch in flight, or that pauses before a retry: meanwhile, nothing else of the partition is sent. */
  current: Batch | null = null;
  /** When the first record has lingered long enough, by `performance.now()`. */
  dueAtMs = 0;
  /** Batches to send first, and unchanged. */
  #formed: Batch[] = [];
  #waiting: WaitingRecord[] = [];
  #waitingBytes = 0;

  constructor(readonly partition: number) {}

  get isFailing(): boolean {
    const next = this.current ?? this.#formed[0];
    return next !== undefined && next.failures > 0;
  }

  get isEmpty(): boolean {
    return this.#formed.length === 0 && this.#waiting.length === 0;
  }

  add(record: WaitingRecord): void {
    this.#waiting.push(record);
    this.#waitingBytes += bytesOf(record);
  }

  /** Whether the next batch cannot grow any more. */
  isFull(limits: BatchLimits): boolean {
    return this.#formed.length > 0 || this.#waitingBytes >= limits.bytes ||
      this.#waiting.length >= limits.records;
  }

  /** Takes the next batch. The queue must not be empty. */
  take(limits: BatchLimits): Batch {
    return this.current = this.#formed.shift() ?? this.#form(limits);
  }

  /** Puts batches before everything else. */
  putBack(...batches: Batch[]): void {
    this.#formed.unshift(...batches);
  }

  /** Removes the records for which `isGone` is true. Returns them, and the batches that held some of them. */
  remove(
    isGone: (record: WaitingRecord) => boolean,
  ): { records: readonly WaitingRecord[]; batches: readonly Batch[] } {
    const batches = this.#formed.filter(({ records }) => records.some(isGone));
    const records = [...batches.flatMap(({ records }) => records), ...this.#waiting].filter(isGone);
    this.#formed = this.#formed
      .map((batch) => batches.includes(batch) ? batch.without(isGone) : batch)
      .filter((batch) => batch.records.length > 0);
    this.#waiting = this.#waiting.filter((record) => !isGone(record));
    this.#waitingBytes = this.#waiting.reduce((sum, record) => sum + bytesOf(record), 0);
    return { records, batches };
  }

  #form(limits: BatchLimits): Batch {
    let bytes = BATCH_FIELDS.records;
    let count = 0;
    for (const record of this.#waiting) {
      const grown = bytes + bytesOf(record);
      if (count > 0 && (count === limits.records || grown > limits.bytes)) break;
      bytes = grown;
      count++;
    }
    this.#waitingBytes -= bytes - BATCH_FIELDS.records;
    return new Batch(this.partition, this.#waiting.splice(0, count));
  }
}

/** The most bytes that a record takes in a batch. */
function bytesOf({ size }: WaitingRecord): number {
  return size + MAX_PLACE_SIZE;
}
