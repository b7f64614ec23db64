import type { Bytes, RecordHeader } from "./event.ts";

/** A record to store, built by the core. */
export interface OutboundRecord {
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** One of the processor's destinations, if it has several. */
  readonly destination?: string;
  /** Records of a group keep their order, whatever their keys. */
  readonly orderGroup?: string;
  /** Set on a record that puts an event back where it came from: the facts of its origin. */
  readonly putBackTo?: ReadonlyMap<string, string>;
}

/** Stores records. Calls may overlap. */
export interface ResultProcessor extends AsyncDisposable {
  /** How larger records can be allowed: `raise the limit of the destination`. Absent where any size is. */
  readonly sizeRemedy?: string;
  /**
   * Resolves with the record's place, for the log, once it is safely stored: `RESULTS[3]@1842`.
   *
   * @throws {ResultProcessorError} when it may not have been stored; the caller retries, unless it is too large
   */
  process(record: OutboundRecord, signal: AbortSignal): Promise<string>;
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
