import type {
  FetchedRecord,
  FetchedRecords,
} from "../../../src/transports/kafka/records/record_batch.ts";

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
  readonly #gate: Promise<void>;

  /**
   * @param lastOffset is beyond the last record where what stood there was compacted away
   * @param gate is waited for when they are opened
   */
  constructor(
    records: Iterable<FetchedRecord>,
    { lastOffset, sizeInBytes = 1, gate = Promise.resolve() }: {
      lastOffset: number;
      sizeInBytes?: number;
      gate?: Promise<void>;
    },
  ) {
    this.#records = records;
    this.#gate = gate;
    this.lastOffset = lastOffset;
    this.sizeInBytes = sizeInBytes;
  }

  /** Records at these offsets, and nothing behind them. */
  static at(...offsets: readonly number[]): FakeRecords {
    return new FakeRecords(offsets.map((offset) => aRecord(offset)), {
      lastOffset: offsets.at(-1) ?? 0,
    });
  }

  async open(): Promise<Iterator<FetchedRecord>> {
    this.isOpened = true;
    await this.#gate;
    return this.#records[Symbol.iterator]();
  }
}
