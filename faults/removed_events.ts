import type { History, StoredEvent } from "./history.ts";

/** What was taken away of a topic: the events of these partitions below these offsets. */
export type FirstOffsets = ReadonlyMap<number, number>;

/**
 * Takes events out of what is expected that were removed from the topic before eventor had got to them. With each
 * removal there may be one gap in a partition. It must not go beyond where the topic began then; it may end before, as
 * of the batch in which the topic begins all events are still there.
 *
 * @param events what was in the topic, removed or not; those of a partition in the order of their offsets
 * @param removals in the order in which they came
 */
export function withoutRemoved(
  history: History,
  { events, removals }: { events: readonly StoredEvent[]; removals: readonly FirstOffsets[] },
): History {
  const settled = new Set(history.outcomes.map(nameOf));
  const isSettled = (event: StoredEvent) => settled.has(nameOf(event));
  const removed = new Set<StoredEvent>();
  for (const [partition, ofPartition] of Map.groupBy(events, ({ partition }) => partition)) {
    let begin = 0;
    for (const firstOffsets of removals) {
      const end = firstOffsets.get(partition) ?? begin;
      const below = ofPartition.filter(({ offset }) => begin <= offset && offset < end);
      for (const event of lastGapOf(below, isSettled)) removed.add(event);
      begin = end;
    }
  }
  const missed = removed.size > 0 ? [] : ["nothing was removed before eventor had got to it"];
  return {
    ...history,
    events: events.filter((event) => !removed.has(event)),
    findings: [...history.findings, ...missed],
  };
}

function lastGapOf(
  events: readonly StoredEvent[],
  isSettled: (event: StoredEvent) => boolean,
): readonly StoredEvent[] {
  const end = events.findLastIndex((event) => !isSettled(event)) + 1;
  const begin = events.findLastIndex((event, index) => index < end && isSettled(event)) + 1;
  return events.slice(begin, end);
}

function nameOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}@${offset}`;
}
