import type { EventFailure } from "./classify.ts";
import { type DeadLetterFact, factHeader, isFactHeader } from "./dead_letter_facts.ts";
import type {
  AttemptsMade,
  EventOrigin,
  InboundEvent,
  OriginFact,
  RecordHeader,
} from "../event.ts";
import { firstFailure } from "./first_failure.ts";
import { IDEMPOTENCY_KEY_HEADER, idempotencyKey } from "../idempotency_key.ts";
import type { OutboundRecord } from "../result_processor.ts";

const TEXT_ENCODER = new TextEncoder();

/** What a dead letter adds to its event. */
export interface DeadLetterDetails {
  readonly pipeline: string;
  readonly failure: EventFailure;
  readonly attempts: AttemptsMade | undefined;
}

/** A dead letter, complete or with fewer headers to be smaller. */
export interface DeadLetter {
  readonly record: OutboundRecord;
  /** Names of the omitted headers. */
  readonly leftOut: readonly string[];
  /** Whether only the event's own headers are left. */
  readonly isBare: boolean;
}

type AddedHeader = DeadLetterFact | typeof IDEMPOTENCY_KEY_HEADER;

/**
 * Added headers, in the order in which they are omitted: first the description of the failure, then the event's
 * position, last what a redrive needs.
 */
function leastNeededFirst(origin: EventOrigin): readonly AddedHeader[] {
  const names = origin.facts().map(([name]) => name);
  // The last fact is the most particular one.
  const facts = [...names.slice(-1), ...names.slice(0, -1)];
  return [
    "message",
    "timestamp",
    "attempts",
    "status",
    "reason",
    "first-failed-at",
    "redrives",
    ...facts.map((name) => `last-source-${name}` as const),
    ...facts.map((name) => `source-${name}` as const),
    IDEMPOTENCY_KEY_HEADER,
    "value-left-out",
    "pipeline",
  ];
}

/**
 * Yields the record of an event that has failed for good: its own key, value and headers byte for byte, and the facts
 * that people and a redrive need. Then each time with one header less, until only the event's own are left.
 */
export function* deadLetters(
  event: InboundEvent,
  details: DeadLetterDetails,
): Generator<DeadLetter> {
  const { key, value } = event;
  const own = ownHeaders(event, details);
  const added = addedHeaders(event, details);
  const leftOut: string[] = [];
  for (const least of [undefined, ...leastNeededFirst(event.origin)]) {
    if (least !== undefined) {
      const header = added.get(least);
      if (header === undefined) continue;
      added.delete(least);
      leftOut.push(header[0]);
    }
    const record = { key, value, headers: [...own, ...added.values()] };
    yield { record, leftOut: [...leftOut], isBare: added.size === 0 };
  }
}

/** Drops the facts and the idempotency key of an earlier dead letter. */
function ownHeaders(event: InboundEvent, { pipeline }: DeadLetterDetails): RecordHeader[] {
  const key = idempotencyKey(pipeline, event);
  return event.headers.filter((header) => !isFactHeader(header) && !isKeyHeader(header, key));
}

/** The added headers, in the order of the record. */
function addedHeaders(
  event: InboundEvent,
  { pipeline, failure, attempts }: DeadLetterDetails,
): Map<AddedHeader, RecordHeader> {
  const { origin, timestampMs } = event;
  const first = firstFailure(event);
  const failedAtMs = attempts?.firstFailedAtMs ?? new Date().getTime();
  const source = first.source ?? origin.facts();
  const last = first.source === undefined ? [] : origin.facts();
  const facts: readonly (readonly [name: DeadLetterFact, value: string | undefined])[] = [
    ["pipeline", pipeline],
    ["reason", failure.reason],
    ["status", failure.status],
    ["attempts", `${attempts?.made ?? 1}`],
    ["redrives", `${first.redrives}`],
    ["first-failed-at", toIso(first.failedAtMs ?? failedAtMs)],
    ...prefixed("source", source),
    ...prefixed("last-source", last),
    ["timestamp", toIso(timestampMs)],
    ["value-left-out", event.oversize && `${event.oversize.bytes}`],
    ["message", failure.message],
  ];
  const headers = new Map<AddedHeader, RecordHeader>();
  const key = idempotencyKey(pipeline, event);
  if (key !== undefined) {
    headers.set(IDEMPOTENCY_KEY_HEADER, [IDEMPOTENCY_KEY_HEADER, TEXT_ENCODER.encode(key)]);
  }
  for (const [fact, text] of facts) {
    if (text !== undefined) headers.set(fact, factHeader(fact, text));
  }
  return headers;
}

function prefixed<Prefix extends "source" | "last-source">(
  prefix: Prefix,
  facts: readonly OriginFact[],
): readonly (readonly [`${Prefix}-${string}`, string])[] {
  return facts.map(([name, value]) => [`${prefix}-${name}`, value]);
}

function isKeyHeader([name, value]: RecordHeader, key: string | undefined): boolean {
  return name === IDEMPOTENCY_KEY_HEADER && value !== null &&
    new TextDecoder().decode(value) === key;
}

/** Undefined for an invalid time: producers may set any number. */
function toIso(timestampMs: number): string | undefined {
  const date = new Date(timestampMs);
  return timestampMs < 0 || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
