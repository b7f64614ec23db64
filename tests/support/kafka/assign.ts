import type { Limits } from "../../../src/core/transport.ts";
import {
  AssignedPartition,
  type AssignedPartitionOptions,
} from "../../../src/transports/kafka/consumer/assigned_partition.ts";
import { FetchDemand } from "../../../src/transports/kafka/consumer/fetch_buffer.ts";
import { LargeRecords } from "../../../src/transports/kafka/records/large_records.ts";
import {
  type AttemptsNote,
  parseNote,
  SuspectTurns,
} from "../../../src/transports/kafka/consumer/poison_pill.ts";
import { FakeDeliver } from "../fakes/deliver.ts";
import { DEFAULT_LIMITS } from "../limits.ts";

/** A partition `T[0]` that delivers to a fake pipeline. */
export interface Assigned {
  readonly assigned: AssignedPartition;
  readonly pipeline: FakeDeliver;
  readonly failures: unknown[];
  /** What would have been committed, each time when a commit was requested. */
  readonly commits: { readonly offset: number; readonly note: AttemptsNote | null }[];
  /** How often it was told that more is wanted. */
  readonly timesWanted: number;
}

/** Assigns `T[0]` from an offset on. Limits that are not given are the defaults. */
export function assign(
  { nextOffset = 0, past, commit = () => Promise.resolve(), suspectTurns, ...limits }:
    & Partial<Limits>
    & Partial<Pick<AssignedPartitionOptions, "nextOffset" | "past" | "commit" | "suspectTurns">> =
      {},
): Assigned {
  const pipeline = new FakeDeliver();
  const failures: unknown[] = [];
  const commits: Assigned["commits"] = [];
  let timesWanted = 0;
  const assigned: AssignedPartition = new AssignedPartition({
    topic: "T",
    partition: 0,
    nextOffset,
    past,
    limits: { ...DEFAULT_LIMITS, ...limits },
    deliver: pipeline.deliver,
    demand: Object.assign(new FetchDemand(), { noteRise: () => timesWanted++ }),
    commit: () => {
      commits.push({ ...assigned.committable, note: parseNote(assigned.committable.note) });
      return commit();
    },
    suspectTurns: suspectTurns ?? new SuspectTurns(),
    largeRecords: new LargeRecords({ maxBufferedBytes: Infinity }),
    maxEventBytes: 1024,
    unreadable: (offset, reason) => failures.push(`T[0]@${offset}: ${reason}`),
    fail: (error) => failures.push(error),
  });
  return {
    assigned,
    pipeline,
    failures,
    commits,
    get timesWanted() {
      return timesWanted;
    },
  };
}

/** Places in `T[0]`: `T[0]@5`. */
export function places(...offsets: readonly number[]): string[] {
  return offsets.map((offset) => `T[0]@${offset}`);
}
