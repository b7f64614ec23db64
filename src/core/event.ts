/** Values and headers of records are bytes; `null` is a tombstone or an absent key. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** One header of a record. Names may repeat and their order counts, so headers are a list, never an object. */
export type RecordHeader = readonly [name: string, value: Bytes | null];

/** Position of an event in its source. Offsets are exact up to 2^53. */
export interface EventOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Failed attempts of an event. */
export interface AttemptsMade {
  /** All attempts, counted or not. */
  readonly made: number;
  /** Attempts that count towards `maxAttempts`. */
  readonly counted: number;
  /** Attempts that were cut off, as by a crash. */
  readonly crashes: number;
  /** When the first one failed, in milliseconds since 1970. */
  readonly firstFailedAtMs: number;
}

/** The event exceeds `maxEventBytes`. */
export interface Oversize {
  readonly bytes: number;
  readonly maxBytes: number;
}

/** An event from a listener, independent of the transport. */
export interface InboundEvent {
  readonly origin: EventOrigin;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** Milliseconds since 1970, as the producer or the broker set it. */
  readonly timestampMs: number;
  /** Attempts made by an earlier owner of the partition, as far as known. */
  readonly past?: AttemptsMade;
  /** Set when the event exceeds its listener's limit: the value was left out, and perhaps the key and headers. */
  readonly oversize?: Oversize;
}

/** Position of an event or a record for log lines: `ORDERS[3]@1842`. */
export function formatOrigin({ topic, partition, offset }: EventOrigin): string {
  return `${topic}[${partition}]@${offset}`;
}
