/** Values and headers of records are bytes; `null` is a tombstone or an absent key. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** One header of a record. Names may repeat and their order counts, so headers are a list, never an object. */
export type RecordHeader = readonly [name: string, value: Bytes | null];

/** Where an event stands in its source. Offsets are exact up to 2^53. */
export interface EventOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What was tried for an event, and has failed. */
export interface AttemptsMade {
  /** How many attempts, whether they count or not. */
  readonly made: number;
  /** How many of them used up what an event may have. */
  readonly counted: number;
  /** How many of them whoever made them did not survive. */
  readonly crashes: number;
  /** When the first one failed, in milliseconds since 1970. */
  readonly firstFailedAtMs: number;
}

/** That an event is larger than it may be. */
export interface Oversize {
  /** How many bytes it has. */
  readonly bytes: number;
  readonly maxBytes: number;
}

/** One event as a listener handed it over: bytes, and nothing of its transport. */
export interface InboundEvent {
  readonly origin: EventOrigin;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** Milliseconds since 1970, as the producer or the broker set it. */
  readonly timestampMs: number;
  /** What a pipeline that had it before tried for it, as far as that is known. */
  readonly past?: AttemptsMade;
  /**
   * Set when the event is larger than its listener takes: the value is empty, as it was left out, and perhaps the key and
   * headers were.
   */
  readonly oversize?: Oversize;
}

/** The place of an event or a record in its topic, as log lines show it: `ORDERS[3]@1842`. */
export function formatOrigin({ topic, partition, offset }: EventOrigin): string {
  return `${topic}[${partition}]@${offset}`;
}
