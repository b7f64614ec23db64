import { type Commit, type History, NUMBERS_OF_A_TOPIC, type StoredEvent } from "./history.ts";

const PARTITIONS_OF_A_TOPIC = 1000;

/** A topic that was there under a name until another one took its place. */
export interface GoneTopic {
  readonly events: readonly StoredEvent[];
  /** When it was known to be gone, and nothing was in the next one yet. */
  readonly goneAtMs: number;
}

/**
 * Tells partitions of topics with the same name apart: those of the n-th topic get n × 1,000 on top of their numbers.
 * Of a topic that is gone, events may be without an outcome that were not committed: they are gone with it.
 */
export function byGeneration(history: History, gone: readonly GoneTopic[]): History {
  const at = (atMs: number) => gone.filter(({ goneAtMs }) => goneAtMs <= atMs).length;
  const outcomes = history.outcomes.map((outcome) => {
    const generation = Math.floor((outcome.sequence ?? 0) / NUMBERS_OF_A_TOPIC);
    return { ...outcome, partition: numberOf(outcome.partition, generation) };
  });
  const commits = commitsByGeneration(history.commits, at);
  const settled = new Set(outcomes.map(nameOf));
  const committed = highestOf(commits);
  const all = [...gone.map(({ events }) => events), history.events].flatMap((events, generation) =>
    events.map((event) => ({ ...event, partition: numberOf(event.partition, generation) }))
  );
  const isGone = ({ partition }: StoredEvent) => partition < gone.length * PARTITIONS_OF_A_TOPIC;
  const events = all.filter((event) =>
    !isGone(event) || settled.has(nameOf(event)) ||
    event.offset < (committed.get(event.partition) ?? 0)
  );
  return {
    ...history,
    events,
    outcomes,
    commits: [...commits, ...goneByNow(commits, events.filter(isGone))],
    calls: history.calls.map((call) => ({
      ...call,
      partition: numberOf(call.partition, at(call.atMs)),
    })),
    findings: [
      ...history.findings,
      ...(all.length > events.length ? [] : ["no topic went with events that waited"]),
    ],
  };
}

/** A commit that repeats the last one is of the same topic, however late. */
function commitsByGeneration(
  commits: readonly Commit[],
  generationAt: (atMs: number) => number,
): Commit[] {
  const latest = new Map<number, { generation: number; offset: number }>();
  return commits.map(({ partition, offset, atMs }) => {
    const before = latest.get(partition);
    const generation = before?.offset === offset ? before.generation : generationAt(atMs);
    latest.set(partition, { generation, offset });
    return { partition: numberOf(partition, generation), offset, atMs };
  });
}

function highestOf(commits: readonly Commit[]): Map<number, number> {
  const highest = new Map<number, number>();
  for (const { partition, offset } of commits) {
    highest.set(partition, Math.max(highest.get(partition) ?? 0, offset));
  }
  return highest;
}

/** What can be committed no more, as if it had been in the end. */
function goneByNow(commits: readonly Commit[], gone: readonly StoredEvent[]): Commit[] {
  const { atMs = 0 } = commits.at(-1) ?? {};
  const highest = highestOf(commits);
  const ends = new Map(gone.map(({ partition, offset }) => [partition, offset + 1]));
  return [...ends]
    .filter(([partition, end]) => (highest.get(partition) ?? 0) < end)
    .map(([partition, offset]) => ({ partition, offset, atMs }));
}

function numberOf(partition: number, generation: number): number {
  return generation * PARTITIONS_OF_A_TOPIC + partition;
}

function nameOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}@${offset}`;
}
