import type { InboundEvent, RecordHeader } from "../event.ts";

/** Prefix of the headers that a dead letter adds. */
const PREFIX = "eventor-dead-letter-";

/** Facts about an event and its failure, one header each. */
export type DeadLetterFact =
  | "pipeline"
  | "reason"
  | "status"
  | "attempts"
  | "redrives"
  | "first-failed-at"
  /** A fact of the event's origin at its first failure. */
  | `source-${string}`
  /** The same for this time, if the event was put back before. */
  | `last-source-${string}`
  | "timestamp"
  | "message"
  /** Bytes of an event whose value was left out; the dead letter's value is empty. */
  | "value-left-out";

export type DeadLetterFacts = ReadonlyMap<DeadLetterFact, string>;

const MAX_FACT_BYTES = 1024;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/** The header of a fact. Longer texts are cut off between characters after 1 KiB. */
export function factHeader(fact: DeadLetterFact, text: string): RecordHeader {
  const bytes = new Uint8Array(MAX_FACT_BYTES);
  const { written } = TEXT_ENCODER.encodeInto(text, bytes);
  return [PREFIX + fact, bytes.slice(0, written)];
}

/** Whether a header is a fact, in upper or lower case. */
export function isFactHeader([name]: RecordHeader): boolean {
  return name.toLowerCase().startsWith(PREFIX);
}

/** The facts in a record's headers, which any producer can write. */
export function factsOf({ headers }: Pick<InboundEvent, "headers">): DeadLetterFacts {
  const facts = new Map<string, string>();
  for (const [name, value] of headers) {
    if (value === null || !name.startsWith(PREFIX)) continue;
    facts.set(name.slice(PREFIX.length), TEXT_DECODER.decode(value));
  }
  return facts as ReadonlyMap<string, string> as DeadLetterFacts;
}

/** The facts of a dead letter; null for another record. */
export function deadLetterFacts(record: InboundEvent): DeadLetterFacts | null {
  const facts = factsOf(record);
  return facts.has("pipeline") ? facts : null;
}
