import type { History, Outcome, StoredEvent } from "./history.ts";
import type { OutcomeIndex } from "./outcome_index.ts";

/** A time without an outcome of a partition, while an event was there to have one. */
export interface PartitionStall {
  /** The first one that waited. */
  readonly event: StoredEvent;
  readonly ms: number;
}

/** The longest one of each partition; the first may begin with the storing of an event, before any outcome. */
export function partitionStalls(
  { events, outcomes }: History,
  index: OutcomeIndex,
): PartitionStall[] {
  const outcomesOf = Map.groupBy(outcomes, ({ partition }) => partition);
  return [...Map.groupBy(events, ({ partition }) => partition)].flatMap((
    [partition, ofPartition],
  ) => longestStall(ofPartition, { outcomes: outcomesOf.get(partition) ?? [], index }) ?? []);
}

function longestStall(
  events: readonly StoredEvent[],
  { outcomes, index }: { outcomes: readonly Outcome[]; index: OutcomeIndex },
): PartitionStall | null {
  const times = outcomes.map(({ stored }) => stored.atMs).sort((a, b) => a - b);
  const isSettledAt = (event: StoredEvent, atMs: number) =>
    (index.firstOf(event)?.stored.atMs ?? Infinity) <= atMs;
  let longest: PartitionStall | null = null;
  let lowest = 0;
  let before = -Infinity;
  for (const atMs of times) {
    while (lowest < events.length && isSettledAt(events[lowest]!, before)) lowest++;
    const event = events[lowest];
    if (event === undefined) break;
    const ms = atMs - Math.max(before, event.atMs);
    if (ms > (longest?.ms ?? 0)) longest = { event, ms };
    before = atMs;
  }
  return longest;
}
