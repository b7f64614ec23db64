import type { Bytes, EventOrigin, RecordHeader } from "./event.ts";

/** A record to be stored somewhere: a result, as the core has put it together. */
export interface OutboundRecord {
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /**
   * Where the event came from, of a record that puts it back: it goes to the same partition where there is one. Other
   * records go where their lane or else their key belongs.
   */
  readonly origin?: Pick<EventOrigin, "topic" | "partition">;
  /** Records of one lane have an order among them, so they go to one partition, whatever their keys. */
  readonly lane?: number;
  /** Where it goes, when a store has several places. */
  readonly topic?: string;
}

/** Takes records onward. Calls may overlap. */
export interface ResultProcessor extends AsyncDisposable {
  /**
   * Resolves with the record's place once it is safely stored there, and not before.
   *
   * @throws {ResultProcessorError} when it may not have been stored; the caller tries again, unless it is too large
   */
  process(record: OutboundRecord, signal: AbortSignal): Promise<EventOrigin>;
}

/** A record may not have been stored. The message holds no payload and no secret. */
export class ResultProcessorError extends Error {
  override readonly name = "ResultProcessorError";
  /** Whether the record is too large for where it was to be stored, so that trying again is in vain. */
  readonly isTooLarge: boolean;

  constructor(
    message: string,
    { isTooLarge = false, ...options }: ErrorOptions & { isTooLarge?: boolean } = {},
  ) {
    super(message, options);
    this.isTooLarge = isTooLarge;
  }
}
