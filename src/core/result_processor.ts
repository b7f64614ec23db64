import type { Bytes, EventOrigin, RecordHeader } from "./event.ts";

/** A record to store, built by the core. */
export interface OutboundRecord {
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /**
   * Set on a record that puts an event back: it goes to that partition, if it still exists. Others go by `lane`, or
   * else by their key.
   */
  readonly origin?: Pick<EventOrigin, "topic" | "partition">;
  /** Order group: its records go to one partition, whatever their keys. */
  readonly lane?: number;
  /** The topic, if the processor has several. */
  readonly topic?: string;
}

/** Stores records. Calls may overlap. */
export interface ResultProcessor extends AsyncDisposable {
  /**
   * Resolves with the record's position once it is safely stored.
   *
   * @throws {ResultProcessorError} when it may not have been stored; the caller retries, unless it is too large
   */
  process(record: OutboundRecord, signal: AbortSignal): Promise<EventOrigin>;
}

/** A record may not have been stored. The message holds no payload and no secret. */
export class ResultProcessorError extends Error {
  override readonly name = "ResultProcessorError";
  /** Whether the record is too large for its destination, so that a retry is useless. */
  readonly isTooLarge: boolean;

  constructor(
    message: string,
    { isTooLarge = false, ...options }: ErrorOptions & { isTooLarge?: boolean } = {},
  ) {
    super(message, options);
    this.isTooLarge = isTooLarge;
  }
}
