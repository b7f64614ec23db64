import type { DeadLetterFact, DeadLetterFacts } from "../failures/dead_letter_facts.ts";

/** What dead letters can be chosen by. */
export const FILTER_NAMES = [
  "reason",
  "status",
  "attempts",
  "redrives",
  "source-topic",
  "source-partition",
  "source-offset",
] as const satisfies readonly DeadLetterFact[];

/** Chooses the dead letters of which a fact has a value. */
export interface DeadLetterFilter {
  readonly name: typeof FILTER_NAMES[number];
  readonly value: string;
}

/** Reads `NAME=VALUE`; null when it is none or the name is unknown. */
export function parseFilter(text: string): DeadLetterFilter | null {
  const [, written, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const name = FILTER_NAMES.find((name) => name === written);
  return name === undefined || value === undefined ? null : { name, value };
}

/** `status=503`. */
export function formatFilter({ name, value }: DeadLetterFilter): string {
  return `${name}=${value}`;
}

/** Whether a filter chooses a dead letter; without a filter, all are chosen. */
export function isChosen(facts: DeadLetterFacts, filter: DeadLetterFilter | undefined): boolean {
  return filter === undefined || facts.get(filter.name) === filter.value;
}
