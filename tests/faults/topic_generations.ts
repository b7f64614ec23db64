import {
  type CommitSample,
  type History,
  NUMBERS_OF_A_TOPIC,
  type StoredEvent,
} from "./history.ts";

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
  const samples = samplesByGeneration(history.samples, at);
  const settled = new Set(outcomes.map(nameOf));
  const committed = highestOf(samples);
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
    samples: [...samples, goneByNow(samples, events.filter(isGone))],
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

/** What was last committed of a topic stays committed until something is of the one that has taken its place. */
function samplesByGeneration(
  samples: readonly CommitSample[],
  generationAt: (atMs: number) => number,
): CommitSample[] {
  const latest = new Map<number, { generation: number; offset: number }>();
  return samples.map(({ atMs, offsets }) => ({
    atMs,
    offsets: new Map([...offsets].map(([partition, offset]) => {
      const before = latest.get(partition);
      const generation = before?.offset === offset ? before.generation : generationAt(atMs);
      latest.set(partition, { generation, offset });
      return [numberOf(partition, generation), offset];
    })),
  }));
}

function highestOf(samples: readonly CommitSample[]): Map<number, number> {
  const highest = new Map<number, number>();
  for (const { offsets } of samples) {
    for (const [partition, offset] of offsets) {
      highest.set(partition, Math.max(highest.get(partition) ?? 0, offset));
    }
  }
  return highest;
}

/** The last sample, with what can be committed no more, as if it had been. */
function goneByNow(samples: readonly CommitSample[], gone: readonly StoredEvent[]): CommitSample {
  const { atMs = 0, offsets = new Map<number, number>() } = samples.at(-1) ?? {};
  const ends = new Map(gone.map(({ partition, offset }) => [partition, offset + 1]));
  return { atMs, offsets: new Map([...ends, ...offsets]) };
}

function numberOf(partition: number, generation: number): number {
  return generation * PARTITIONS_OF_A_TOPIC + partition;
}

function nameOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}@${offset}`;
}
