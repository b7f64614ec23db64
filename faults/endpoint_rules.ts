/** What the endpoint does with calls. The first rule that is for a call decides; without any it sends the body back. */
export interface Rule {
  /** Only for calls for events of this partition. */
  readonly partition?: number;
  /** Only for calls with this path: those of one member. */
  readonly path?: string;
  /** Only for calls for events of these keys. */
  readonly keys?: readonly string[];
  /** Only for calls for these events, the same ones whenever they are called for. */
  readonly events?: EventShare;
  /** Only for so many calls for each event. */
  readonly firstAttempts?: number;
  /** Only for this share of the calls, by chance. */
  readonly share?: number;
  /** How long it takes, at least and at most. */
  readonly latencyMs?: readonly [number, number];
  /** The body that came, if absent. */
  readonly answer?: Answer;
}

/** Events that are known by where they stand, from one percentage to another. */
export interface EventShare {
  readonly fromPercent: number;
  readonly toPercent: number;
}

/** What is sent back. */
export type Answer =
  | {
    readonly kind: "status";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** The body that came, if absent. */
    readonly body?: string;
    /** Adds a `Retry-After` with the date that it will be then. */
    readonly retryAtDateInMs?: number;
  }
  | Misbehaviour;

/** What no server should send back. */
export type Misbehaviour =
  /** Nothing at all, while the connection stays open. */
  | { readonly kind: "hang" }
  /** A head that promises a body, and then nothing. */
  | { readonly kind: "headOnly" }
  /** The connection is closed while a part of the request is unread, so that it is reset behind its end. */
  | { readonly kind: "reset" }
  /** The connection is closed without a word. */
  | { readonly kind: "close" }
  /** What is not HTTP. */
  | { readonly kind: "garbage" }
  /** Half of the body, and the end of the connection. */
  | { readonly kind: "truncated" }
  /** A second status line among the headers. */
  | { readonly kind: "doubleHead" }
  /** Two lengths that contradict each other. */
  | { readonly kind: "twoLengths" }
  /** A body of so many bytes. */
  | { readonly kind: "large"; readonly bytes: number }
  /** A body that takes a thousandth of so many bytes as long as it is compressed. */
  | { readonly kind: "bomb"; readonly bytes: number };

/** What the endpoint's process is told, one JSON line each; it answers each with the count of secretless calls. */
export type EndpointCommand =
  | { readonly kind: "rules"; readonly rules: readonly Rule[] }
  /** Refuses connections and ends those that are open, or takes them again at the same port. */
  | { readonly kind: "listen"; readonly listening: boolean }
  /** Has the call log written. */
  | { readonly kind: "flush" };

/** Whether an event is one of a share. Who the members are looks random, and is the same for everybody who asks. */
export function isAmong(
  { partition, offset }: { readonly partition: number; readonly offset: number },
  { fromPercent, toPercent }: EventShare,
): boolean {
  let hash = Math.imul(offset + 1, 0x9e3779b1) ^ Math.imul(partition + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d);
  const percent = ((hash ^ hash >>> 13) >>> 0) % 10_000 / 100;
  return percent >= fromPercent && percent < toPercent;
}
