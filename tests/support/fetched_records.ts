import type { FetchedRecord, FetchedRecords } from "../../src/transports/kafka/record_batch.ts";

/** A record at this offset; what a test does not say about it does not matter. */
export function aRecord(offset: number, rest: Partial<FetchedRecord> = {}): FetchedRecord {
  return { offset, timestampMs: 0, key: null, value: null, headers: [], ...rest };
}

/** Records as if they had been fetched together, which notes whether they were opened. */
export class FakeRecords implements FetchedRecords {
  readonly lastOffset: number;
  readonly sizeInBytes: number;
  isOpened = false;
  readonly #records: Iterable<FetchedRecord>;

  /** @param lastOffset is beyond the last record where what stood there was compacted away */
  constructor(
    records: readonly FetchedRecord[],
    { lastOffset, sizeInBytes = 1 }: { lastOffset?: number; sizeInBytes?: number } = {},
  ) {
    this.#records = records;
    this.lastOffset = lastOffset ?? records.at(-1)?.offset ?? 0;
    this.sizeInBytes = sizeInBytes;
  }

  open(): Promise<Iterator<FetchedRecord>> {
    this.isOpened = true;
    return Promise.resolve(this.#records[Symbol.iterator]());
  }
}
