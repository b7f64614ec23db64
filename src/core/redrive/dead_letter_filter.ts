import type { DeadLetterFact, DeadLetterFacts } from "../failures/dead_letter_facts.ts";

/** Facts that select dead letters. */
export const FILTER_NAMES = [
  "reason",
  "status",
  "attempts",
  "redrives",
  "source-topic",
  "source-partition",
  "source-offset",
] as const satisfies readonly DeadLetterFact[];

/** Selects dead letters by the value of a fact. */
export interface DeadLetterFilter {
  readonly name: typeof FILTER_NAMES[number];
  readonly value: string;
}

/** Parses `NAME=VALUE`; null when it is malformed or the name is unknown. */
export function parseFilter(text: string): DeadLetterFilter | null {
  const [, written, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const name = FILTER_NAMES.find((name) => name === written);
  return name === undefined || value === undefined ? null : { name, value };
}

/** `status=503`. */
export function formatFilter({ name, value }: DeadLetterFilter): string {
  return `${name}=${value}`;
}

/** Whether a filter selects a dead letter; no filter selects all. */
export function isChosen(facts: DeadLetterFacts, filter: DeadLetterFilter | undefined): boolean {
  return filter === undefined || facts.get(filter.name) === filter.value;
}
