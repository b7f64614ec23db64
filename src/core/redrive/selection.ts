import type { DeadLetterFact, DeadLetterFacts } from "../failures/dead_letter_facts.ts";

/** Selects dead letters by the value of a fact. */
export interface DeadLetterFilter {
  readonly name: DeadLetterFact;
  readonly value: string;
}

/** The dead letters that a redrive covers. */
export interface RedriveScope {
  readonly pipeline: string;
  /** Without it, all dead letters of the pipeline. */
  readonly filter?: DeadLetterFilter | undefined;
}

/** The facts that a filter can compare, if events have these facts of their origin. */
export function filterNames(originFacts: Iterable<string>): readonly DeadLetterFact[] {
  const ofOrigin = Array.from(originFacts, (name) => `source-${name}` as const);
  return ["reason", "status", "attempts", "redrives", ...ofOrigin];
}

/** Parses `NAME=VALUE`; null when it is malformed or the name is unknown. */
export function parseFilter(
  text: string,
  names: readonly DeadLetterFact[],
): DeadLetterFilter | null {
  const [, written, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const name = names.find((name) => name === written);
  return name === undefined || value === undefined ? null : { name, value };
}

/** `status=503`. */
export function formatFilter({ name, value }: DeadLetterFilter): string {
  return `${name}=${value}`;
}

/** Whether a filter selects a dead letter; no filter selects all. */
export function matches(facts: DeadLetterFacts, filter: DeadLetterFilter | undefined): boolean {
  return filter === undefined || facts.get(filter.name) === filter.value;
}

/** The name under which a dead-letter store keeps the position of a redrive. Each filter has its own. */
export function readerName({ pipeline, filter }: RedriveScope): string {
  // Encoded names have no colon, so a pipeline's name cannot look like another one's with a filter.
  const suffix = filter === undefined ? "" : `:${encode(formatFilter(filter))}`;
  return `eventor-redrive-${encode(pipeline)}${suffix}`;
}

/** Keeps common pipeline names readable, and the `=` of filters. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll("%3D", "=");
}
