/** By its number it shows whether an event was in the first topic of a name, or in which of those that came after it. */
export const NUMBERS_OF_A_TOPIC = 1e9;

/** An event as the topic holds it. */
export interface StoredEvent {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  /** The number in its value, `run:partition:number`; null when the value has another form. */
  readonly sequence: number | null;
  /** When it was stored, in milliseconds since 1970, by the broker's clock. */
  readonly atMs: number;
}

/** A record that tells what came of an event: a result, or a dead letter. */
export interface Outcome {
  /** Where the event stands, as the record's headers say. */
  readonly partition: number;
  readonly offset: number;
  /** The number in its value, which is that of the event when the endpoint echoes; null when it has another form. */
  readonly sequence: number | null;
  /** The member of the group that made the call, as the endpoint was told by the path; empty when it was not told. */
  readonly by: string;
  readonly stored: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    /** In milliseconds since 1970, by the broker's clock. */
    readonly atMs: number;
  };
}

/** A call as the endpoint got it. */
export interface EndpointCall {
  readonly partition: number;
  readonly offset: number;
  readonly atMs: number;
  /** Which call for the event it is, as eventor says. */
  readonly attempt: number;
  /** The status that it was answered with, or what was done instead. */
  readonly answer: string;
}

/** A commit of the group. */
export interface Commit {
  readonly partition: number;
  /** Of the first event that is not committed. */
  readonly offset: number;
  /** When it was stored, in milliseconds since 1970, by the coordinator's clock. */
  readonly atMs: number;
}

/** A fault that was brought about. */
export interface Fault {
  readonly what: string;
  readonly beganAtMs: number;
  /** When nothing stood in the way of going on any more. */
  readonly endedAtMs: number;
}

/** How a process came to its end, and how it should have. */
export interface ProcessEnd {
  readonly who: string;
  /** An exit code or a signal; null when it should not have ended. */
  readonly expected: number | string | null;
  readonly found: number | string;
  /** How long it took, and may have taken, from being asked to. */
  readonly tookMs?: number;
  readonly maxMs?: number;
}

/** What a process held before the faults, and some time after the last one. */
export interface Resources {
  readonly who: string;
  readonly before: { readonly rssMb: number; readonly sockets: number };
  readonly after: { readonly rssMb: number; readonly sockets: number };
}

/** Everything that was seen of a row's run. */
export interface History {
  /** Those of a partition in the order of their offsets. */
  readonly events: readonly StoredEvent[];
  /** Those of a partition of a topic in the order of their offsets. */
  readonly outcomes: readonly Outcome[];
  readonly calls: readonly EndpointCall[];
  /** In the order in which they were stored. */
  readonly commits: readonly Commit[];
  readonly faults: readonly Fault[];
  readonly ends: readonly ProcessEnd[];
  readonly resources: readonly Resources[];
  /** Members that were ended without being asked. */
  readonly killed: ReadonlySet<string>;
  /** Where the secret was found. */
  readonly leaks: readonly string[];
  /** What else the row found wrong. */
  readonly findings: readonly string[];
}

/** What a row may do, beyond what none may. */
export interface Limits {
  /** Outcomes beyond one for each event. */
  readonly duplicates: number;
  /** Whether only members that were killed may have left such outcomes behind. */
  readonly onlyKilledRepeat?: boolean;
  /** Whether only what was begun when a fault began may have another, from the first event on whose call hung. */
  readonly onlyUnfinishedRepeat?: boolean;
  /** The longest time from a fault's end to the next outcome. */
  readonly recoveryMs?: number;
  /** The longest time without an outcome, from the first one to the last. */
  readonly stallMs?: number;
  /** The longest time without an outcome of a partition in which an event waits. */
  readonly partitionStallMs?: number;
}
