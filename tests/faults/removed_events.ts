import type { History, StoredEvent } from "./history.ts";

/** What was taken away of a topic: the events of these partitions below these offsets. */
export type FirstOffsets = ReadonlyMap<number, number>;

/**
 * Takes events out of what is expected that were removed from the topic before eventor had got to them, and says what
 * is wrong with that: events may be missing in one row up to where the topic began then, and nowhere else.
 *
 * @param events what was in the topic, removed or not
 */
export function withoutRemoved(
  history: History,
  { events, removals }: { events: readonly StoredEvent[]; removals: readonly FirstOffsets[] },
): History {
  const settled = new Set(history.outcomes.map(nameOf));
  const removed = new Set<string>();
  const findings: string[] = [];
  for (const [partition, ofPartition] of Map.groupBy(events, ({ partition }) => partition)) {
    for (const firstOffsets of removals) {
      const end = firstOffsets.get(partition) ?? 0;
      // From the topic's beginning back to the last event that was settled.
      const below = ofPartition.filter(({ offset }) => offset < end).reverse();
      for (const event of below) {
        if (settled.has(nameOf(event))) break;
        removed.add(nameOf(event));
      }
    }
  }
  if (removed.size === 0) findings.push("nothing was removed before eventor had got to it");
  return {
    ...history,
    events: events.filter((event) => !removed.has(nameOf(event))),
    findings: [...history.findings, ...findings],
  };
}

function nameOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}@${offset}`;
}
