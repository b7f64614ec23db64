import { type DeadLetterFacts, factHeader, factsOf, isFactHeader } from "./dead_letter_facts.ts";
import type { EventOrigin, InboundEvent, OriginFact } from "../event.ts";
import { IDEMPOTENCY_KEY_HEADER } from "../idempotency_key.ts";
import type { OutboundRecord } from "../result_processor.ts";

/** What an event that was put back says about its first failure. Any producer can forge it. */
export interface FirstFailure {
  /** How often the event was put back; 0 for one that never was. */
  readonly redrives: number;
  /** When it first failed, in milliseconds since 1970. */
  readonly failedAtMs?: number;
  /** The facts of the event's origin then. */
  readonly source?: readonly OriginFact[];
}

const MAX_REDRIVES = 1_000_000_000;
const NEVER_PUT_BACK: FirstFailure = { redrives: 0 };

/**
 * The record that puts an event back: its own key, value and headers; its idempotency key, by which endpoints recognize
 * it; and the facts of the first failure for the next dead letter.
 */
export function eventRecord(letter: InboundEvent): OutboundRecord {
  const { key, value } = letter;
  const facts = factsOf(letter);
  const redrives = count(facts.get("redrives"), MAX_REDRIVES - 1) ?? 0;
  const headers = letter.headers.filter((header) => !isFactHeader(header));
  headers.push(factHeader("redrives", `${redrives + 1}`));
  for (const [fact, text] of facts) {
    // With the next dead letter, too, they tell of the first failure.
    const isKept = fact === "first-failed-at" || fact.startsWith("source-");
    if (isKept) headers.push(factHeader(fact, text));
  }
  return { key, value, headers };
}

/** The same with only the event's own headers, for a destination that accepts no larger record. */
export function bareEventRecord({ key, value, headers }: InboundEvent): OutboundRecord {
  const own = headers.filter((header) => !isFactHeader(header));
  // In a dead letter, the event's own headers come first.
  const index = own.findLastIndex(([name]) => name === IDEMPOTENCY_KEY_HEADER);
  return { key, value, headers: index < 0 ? own : own.toSpliced(index, 1) };
}

/** Reads an event's first failure; malformed or impossible facts count as absent. */
export function firstFailure(event: InboundEvent): FirstFailure {
  if (!event.headers.some(isFactHeader)) return NEVER_PUT_BACK;
  const facts = factsOf(event);
  const redrives = count(facts.get("redrives"), MAX_REDRIVES);
  // A pipeline may read another one's dead letters as events; these were not put back.
  if (!redrives || facts.has("pipeline")) return NEVER_PUT_BACK;
  const failedAtMs = pastTime(facts.get("first-failed-at"));
  const source = earlierSource(event.origin, facts);
  return {
    redrives,
    ...(failedAtMs === undefined ? {} : { failedAtMs }),
    ...(source === undefined ? {} : { source }),
  };
}

function earlierSource(
  origin: EventOrigin,
  facts: DeadLetterFacts,
): readonly OriginFact[] | undefined {
  const source = origin.facts()
    .map(([name]) => [name, facts.get(`source-${name}`) ?? ""] as const);
  return origin.canFollowFacts?.(new Map(source)) === true ? source : undefined;
}

function pastTime(text: string | undefined): number | undefined {
  const timeMs = Date.parse(text ?? "");
  if (Number.isNaN(timeMs) || new Date(timeMs).toISOString() !== text) return undefined;
  return timeMs <= new Date().getTime() ? timeMs : undefined;
}

function count(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const number = Number(text);
  return number <= max ? number : undefined;
}
