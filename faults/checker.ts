/**
 * Holds what was seen of a run against what must be true whatever happens. Knows no broker and no process: all that
 * counts is in the history.
 *
 * @module
 */
import type {
  Commit,
  History,
  Limits,
  Outcome,
  ProcessEnd,
  Resources,
  StoredEvent,
} from "./history.ts";
import { needlessRepeats } from "./needless_repeats.ts";
import { OutcomeIndex } from "./outcome_index.ts";
import { partitionStalls } from "./partition_stall.ts";

/** Of what a violation names at most so many cases. */
const MAX_EXAMPLES = 5;

/** What a process may hold more than before, once everything is over. */
const MAX_GROWTH = 1.2;

/** An invariant that did not hold. */
export interface Violation {
  readonly invariant: string;
  readonly message: string;
  /** The first cases of it. */
  readonly examples: readonly string[];
}

/** What a run comes to. */
export interface Figures {
  readonly events: number;
  readonly faults: number;
  readonly lost: number;
  readonly outOfOrder: number;
  readonly duplicates: number;
  /** Calls beyond one for each event that was called for. */
  readonly endpointCopies: number;
  /** The longest time from a fault's end to the next outcome; null when none came after any. */
  readonly recoveryMs: number | null;
  /** The longest time without an outcome. */
  readonly stallMs: number;
}

/** What the checker says of a run. */
export interface Verdict {
  readonly figures: Figures;
  readonly violations: readonly Violation[];
}

/** Checks all invariants. */
export function check(history: History, limits: Limits): Verdict {
  const index = new OutcomeIndex(history.events, history.outcomes);
  const lost = history.events.filter((event) => index.firstOf(event) === undefined);
  const outOfOrder = outOfOrderIn(history.events, index);
  const duplicates = index.repeated.length;
  const times = history.outcomes.map(({ stored }) => stored.atMs).sort((a, b) => a - b);
  const recovery = longestRecovery(history, times);
  const stallMs = times.reduce((longest, at, n) => Math.max(longest, at - (times[n - 1] ?? at)), 0);
  const violations = [
    violation("row", "findings of the row itself", history.findings),
    violation("I1", "events without a result or dead letter", lost.map(nameOf)),
    violation("I1", "results of other events than they say", index.foreign.map(describeOutcome)),
    violation("I1", "partitions not committed to their end", uncommitted(history)),
    violation("I2", "events whose first result comes before one of an earlier event of their key", [
      ...outOfOrder,
    ]),
    duplicates <= limits.duplicates ? null : violation(
      "I3",
      `more than ${limits.duplicates} duplicates of results`,
      index.repeated.map(describeOutcome),
    ),
    limits.onlyKilledRepeat !== true ? null : violation(
      "I3",
      "repeated although the member that had stored a result was not killed",
      unexplained(index, history.killed),
    ),
    limits.onlyUnfinishedRepeat !== true ? null : violation(
      "I3",
      "repeated although they could be committed, or need not have been begun",
      needlessRepeats(history, index).map(describeOutcome),
    ),
    violation("I4", "commits that passed an unsettled event", passed(history, index)),
    violation("I4", "commits that went back", wentBack(history.commits)),
    violation("I5", "ends that were not as they should be", history.ends.flatMap(badEnd)),
    violation("I6", "processes that hold more than before", history.resources.flatMap(grown)),
    recovery === null || recovery.ms <= (limits.recoveryMs ?? Infinity) ? null : violation(
      "I7",
      `no result within ${limits.recoveryMs} ms after a fault`,
      [`${recovery.what}: ${recovery.ms} ms`],
    ),
    stallMs <= (limits.stallMs ?? Infinity)
      ? null
      : violation("I7", `no result for more than ${limits.stallMs} ms`, [`${stallMs} ms`]),
    violation(
      "I7",
      `no result of a partition for more than ${limits.partitionStallMs} ms while an event waited`,
      stalled(history, { index, mostMs: limits.partitionStallMs ?? Infinity }),
    ),
    violation("I8", "places where the secret shows", history.leaks),
  ].filter((found) => found !== null);
  return {
    figures: {
      events: history.events.length,
      faults: history.faults.length,
      lost: lost.length,
      outOfOrder: outOfOrder.length,
      duplicates,
      endpointCopies: copiesOf(history),
      recoveryMs: recovery?.ms ?? null,
      stallMs,
    },
    violations,
  };
}

function violation(
  invariant: string,
  message: string,
  cases: readonly string[],
): Violation | null {
  if (cases.length === 0) return null;
  return {
    invariant,
    message: `${cases.length} × ${message}`,
    examples: cases.slice(0, MAX_EXAMPLES),
  };
}

/** Events of a partition with equal keys must have their first outcomes in their own order. */
function outOfOrderIn(events: readonly StoredEvent[], index: OutcomeIndex): string[] {
  const found: string[] = [];
  const latest = new Map<string, Outcome>();
  for (const event of events) {
    const first = index.firstOf(event);
    if (first === undefined) continue;
    const lane = `${event.partition} ${event.key}`;
    const before = latest.get(lane);
    if (before !== undefined && precedes(first, before)) {
      found.push(
        `${nameOf(event)} of key '${event.key}' at ${placeOf(first)}, ` +
          `but ${before.partition}@${before.offset} at ${placeOf(before)}`,
      );
    } else latest.set(lane, first);
  }
  return found;
}

/** Places in a log are exact; between logs there are only the clock's milliseconds. */
function precedes({ stored: a }: Outcome, { stored: b }: Outcome): boolean {
  if (a.topic === b.topic && a.partition === b.partition) return a.offset < b.offset;
  return a.atMs < b.atMs;
}

function unexplained(index: OutcomeIndex, killed: ReadonlySet<string>): string[] {
  return index.repeated
    .filter((outcome) => !killed.has(index.before(outcome).by))
    .map((outcome) =>
      `${describeOutcome(outcome)}, after ${describeOutcome(index.before(outcome))}`
    );
}

/** Every event below a committed offset had an outcome by then. */
function passed({ events, commits }: History, index: OutcomeIndex): string[] {
  const found: string[] = [];
  const byPartition = Map.groupBy(commits, ({ partition }) => partition);
  for (const [partition, ofPartition] of Map.groupBy(events, ({ partition }) => partition)) {
    let position = 0;
    let last: { event: StoredEvent; atMs: number } | undefined;
    let reached = -1;
    for (const { offset, atMs } of byPartition.get(partition) ?? []) {
      if (offset <= reached) continue;
      reached = offset;
      for (; (ofPartition[position]?.offset ?? Infinity) < offset; position++) {
        const event = ofPartition[position]!;
        const settledAtMs = index.firstOf(event)?.stored.atMs ?? Infinity;
        if (last === undefined || settledAtMs > last.atMs) last = { event, atMs: settledAtMs };
      }
      if (last !== undefined && last.atMs > atMs) {
        const when = last.atMs === Infinity ? "never" : `${last.atMs - atMs} ms later`;
        found.push(`${partition} to ${offset}, while ${nameOf(last.event)} was settled ${when}`);
      }
    }
  }
  return found;
}

function wentBack(commits: readonly Commit[]): string[] {
  const found: string[] = [];
  const highest = new Map<number, number>();
  for (const { partition, offset, atMs } of commits) {
    const before = highest.get(partition) ?? -1;
    if (offset < before) found.push(`${partition} from ${before} to ${offset} at ${atMs}`);
    highest.set(partition, Math.max(before, offset));
  }
  return found;
}

function uncommitted({ events, commits }: History): string[] {
  const last = new Map(commits.map(({ partition, offset }) => [partition, offset]));
  const ends = new Map(events.map(({ partition, offset }) => [partition, offset + 1]));
  return [...ends]
    .filter(([partition, end]) => (last.get(partition) ?? -1) < end)
    .map(([partition, end]) => `${partition}: ${last.get(partition) ?? -1} of ${end}`);
}

function badEnd({ who, expected, found, tookMs = 0, maxMs = Infinity }: ProcessEnd): string[] {
  if (expected === null) return [`${who} ended by itself with ${found}`];
  if (found !== expected) return [`${who} ended with ${found} instead of ${expected}`];
  return tookMs <= maxMs ? [] : [`${who} took ${Math.round(tookMs)} of ${maxMs} ms to end`];
}

function grown({ who, before, after }: Resources): string[] {
  return (["rssMb", "sockets"] as const)
    .filter((kind) => after[kind] > before[kind] * MAX_GROWTH)
    .map((kind) =>
      `${who}: ${kind} from ${Math.round(before[kind])} to ${Math.round(after[kind])}`
    );
}

function longestRecovery(
  { faults }: History,
  times: readonly number[],
): { what: string; ms: number } | null {
  return faults.flatMap(({ what, endedAtMs }) => {
    const next = times.find((at) => at >= endedAtMs);
    return next === undefined ? [] : [{ what, ms: next - endedAtMs }];
  }).reduce<{ what: string; ms: number } | null>(
    (longest, each) => longest === null || each.ms > longest.ms ? each : longest,
    null,
  );
}

function stalled(
  history: History,
  { index, mostMs }: { index: OutcomeIndex; mostMs: number },
): string[] {
  return partitionStalls(history, index)
    .filter(({ ms }) => ms > mostMs)
    .toSorted((a, b) => b.ms - a.ms)
    .map(({ event, ms }) => `${nameOf(event)}: ${ms} ms`);
}

function copiesOf({ calls }: History): number {
  return calls.length -
    new Set(calls.map(({ partition, offset }) => partition * 2 ** 40 + offset)).size;
}

function nameOf({ partition, offset }: StoredEvent): string {
  return `${partition}@${offset}`;
}

function placeOf({ stored: { topic, partition, offset } }: Outcome): string {
  return `${topic}[${partition}]@${offset}`;
}

function describeOutcome(outcome: Outcome): string {
  const { partition, offset, by } = outcome;
  return `${placeOf(outcome)} of ${partition}@${offset}${by === "" ? "" : ` by ${by}`}`;
}
