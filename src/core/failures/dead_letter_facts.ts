import type { InboundEvent, RecordHeader } from "../event.ts";

/** What the headers of a dead letter begin with that are not the event's own. */
const PREFIX = "eventor-dead-letter-";

/** What a dead letter says of its event and the failure, each in a header of its own. */
export type DeadLetterFact =
  | "pipeline"
  | "reason"
  | "status"
  | "attempts"
  | "redrives"
  | "first-failed-at"
  | "source-topic"
  | "source-partition"
  | "source-offset"
  | "last-source-topic"
  | "last-source-partition"
  | "last-source-offset"
  | "timestamp"
  | "message"
  /** How many bytes the event had whose value was left out; the dead letter's is empty. */
  | "value-left-out";

/** The facts that a record has. */
export type DeadLetterFacts = ReadonlyMap<DeadLetterFact, string>;

const MAX_FACT_BYTES = 1024;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/** The header of a fact, whose text is cut off between characters after 1 KiB. */
export function factHeader(fact: DeadLetterFact, text: string): RecordHeader {
  const bytes = new Uint8Array(MAX_FACT_BYTES);
  const { written } = TEXT_ENCODER.encodeInto(text, bytes);
  return [PREFIX + fact, bytes.slice(0, written)];
}

/** Whether a header says a fact, or is to be taken for one. */
export function isFactHeader([name]: RecordHeader): boolean {
  return name.toLowerCase().startsWith(PREFIX);
}

/** The facts that a record's headers say, whoever wrote them. */
export function factsOf({ headers }: Pick<InboundEvent, "headers">): DeadLetterFacts {
  const facts = new Map<string, string>();
  for (const [name, value] of headers) {
    if (value === null || !name.startsWith(PREFIX)) continue;
    facts.set(name.slice(PREFIX.length), TEXT_DECODER.decode(value));
  }
  return facts as ReadonlyMap<string, string> as DeadLetterFacts;
}

/** What a record says as a dead letter; null when it is none. */
export function deadLetterFacts(record: InboundEvent): DeadLetterFacts | null {
  const facts = factsOf(record);
  return facts.has("pipeline") ? facts : null;
}
