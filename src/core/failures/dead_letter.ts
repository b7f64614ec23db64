import type { Attempts } from "./attempts.ts";
import type { InboundEvent, RecordHeader } from "../event.ts";
import { IDEMPOTENCY_KEY_HEADER, idempotencyKey } from "../idempotency_key.ts";
import type { OutboundRecord } from "../result_processor.ts";
import type { EventFailure } from "./verdict.ts";

/** What the headers of a dead letter begin with that are not the event's own. */
export const DEAD_LETTER_PREFIX = "eventor-dead-letter-";

/** What a dead letter says of its event and the failure, each in a header of its own. */
export type DeadLetterFact =
  | "pipeline"
  | "reason"
  | "status"
  | "attempts"
  | "first-failed-at"
  | "source-topic"
  | "source-partition"
  | "source-offset"
  | "timestamp"
  | "message";

/** The facts that a dead letter has. */
export type DeadLetterFacts = ReadonlyMap<DeadLetterFact, string>;

const MAX_MESSAGE_BYTES = 1024;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/**
 * The record of an event that has failed for good: the event's own key, value and headers byte for byte, and what there
 * is to know of it, so that it can be looked into and put back.
 */
export function deadLetter(
  event: InboundEvent,
  { pipeline, failure, attempts, withMessage }: {
    pipeline: string;
    failure: EventFailure;
    attempts: Attempts | undefined;
    /** The message makes the record larger, and is the first to be left out. */
    withMessage: boolean;
  },
): OutboundRecord {
  const { origin: { topic, partition, offset }, timestampMs } = event;
  const facts: readonly (readonly [name: DeadLetterFact, value: string | undefined])[] = [
    ["pipeline", pipeline],
    ["reason", failure.reason],
    ["status", failure.status],
    ["attempts", `${attempts?.made ?? 1}`],
    ["first-failed-at", toIso(attempts?.firstFailedAtMs ?? new Date().getTime())],
    ["source-topic", topic],
    ["source-partition", `${partition}`],
    ["source-offset", `${offset}`],
    ["timestamp", toIso(timestampMs)],
    ["message", withMessage ? failure.message : undefined],
  ];
  const headers: RecordHeader[] = event.headers.filter(([name]) => !isOwn(name));
  headers.push([IDEMPOTENCY_KEY_HEADER, TEXT_ENCODER.encode(idempotencyKey(pipeline, event))]);
  for (const [name, value] of facts) {
    if (value !== undefined) headers.push([DEAD_LETTER_PREFIX + name, shortened(value)]);
  }
  return { key: event.key, value: event.value, headers };
}

/** What a record says as a dead letter; null when it is none. */
export function deadLetterFacts({ headers }: InboundEvent): DeadLetterFacts | null {
  const facts = new Map<string, string>();
  for (const [name, value] of headers) {
    if (value === null || !name.startsWith(DEAD_LETTER_PREFIX)) continue;
    facts.set(name.slice(DEAD_LETTER_PREFIX.length), TEXT_DECODER.decode(value));
  }
  return facts.has("pipeline") ? facts as ReadonlyMap<string, string> as DeadLetterFacts : null;
}

/**
 * The record that puts a dead letter's event back: what {@linkcode deadLetter} has made of the event, without what it
 * says of the failure. The idempotency key stays, as endpoints are to know the event again.
 */
export function eventRecord({ key, value, headers }: InboundEvent): OutboundRecord {
  return { key, value, headers: headers.filter(([name]) => !isFact(name)) };
}

/** Those of an earlier time as a dead letter are replaced. */
function isOwn(name: string): boolean {
  return isFact(name) || name.toLowerCase() === IDEMPOTENCY_KEY_HEADER;
}

function isFact(name: string): boolean {
  return name.toLowerCase().startsWith(DEAD_LETTER_PREFIX);
}

function shortened(text: string): RecordHeader[1] {
  const bytes = new Uint8Array(MAX_MESSAGE_BYTES);
  const { written } = TEXT_ENCODER.encodeInto(text, bytes);
  return bytes.slice(0, written);
}

/** Undefined for what is no time: producers may set any number. */
function toIso(timestampMs: number): string | undefined {
  const date = new Date(timestampMs);
  return timestampMs < 0 || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
