/** Values and headers of records are bytes; `null` is a tombstone or an absent key. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** One header of a record. Names may repeat and their order counts, so headers are a list, never an object. */
export type RecordHeader = readonly [name: string, value: Bytes | null];

/** A fact of an event's origin: `["line", "1842"]`. */
export type OriginFact = readonly [name: string, value: string];

/** Where an event came from: for people, headers, templates and keys. The core does not interpret it. */
export interface EventOrigin {
  /** For log lines: `ORDERS[3]@1842`. */
  toString(): string;
  /** Equal at each delivery of the event, different for different events. Undefined where the source cannot tell. */
  readonly id: string | undefined;
  /** Name of the part of the source whose events come in order. Absent where there are no parts. */
  readonly orderGroup?: string;
  /** The facts that the listener's role names, in the same order. */
  facts(): readonly OriginFact[];
  /**
   * Whether `id` can be that of an earlier event of this source. It comes from a header, which any producer can write.
   * Without this method, no such header is trusted.
   */
  canFollow?(id: string): boolean;
  /** Whether an earlier event can have had these facts, likewise. */
  canFollowFacts?(facts: ReadonlyMap<string, string>): boolean;
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
  /** Rises from event to event of a lease. */
  readonly position: number;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** Milliseconds since 1970, as the source gives it. */
  readonly timestampMs: number;
  /** Attempts made before this delivery, as far as known. */
  readonly past?: AttemptsMade;
  /** Set when the event exceeds its listener's limit: the value was left out, and perhaps the key and headers. */
  readonly oversize?: Oversize;
}
