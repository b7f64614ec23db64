import type { Limits } from "../../src/transport.ts";
import { AssignedPartition } from "../../src/transports/kafka/assigned_partition.ts";
import { FakeDeliver } from "./fake_deliver.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

/** A partition `T[0]` that delivers to a fake pipeline. */
export interface Assigned {
  readonly assigned: AssignedPartition;
  readonly pipeline: FakeDeliver;
  readonly failures: unknown[];
  /** What could be committed, each time when a commit was asked for. */
  readonly commits: number[];
}

/** Assigns `T[0]` from an offset on. Limits that are not given are the defaults. */
export function assign(
  { nextOffset = 0, ...limits }: Partial<Limits & { nextOffset: number }> = {},
): Assigned {
  const pipeline = new FakeDeliver();
  const failures: unknown[] = [];
  const commits: number[] = [];
  const assigned: AssignedPartition = new AssignedPartition({
    topic: "T",
    partition: 0,
    nextOffset,
    limits: { ...DEFAULT_LIMITS, ...limits },
    deliver: pipeline.deliver,
    commit: () => commits.push(assigned.tracker.committable),
    fail: (error) => failures.push(error),
  });
  return { assigned, pipeline, failures, commits };
}

/** Places in `T[0]`: `T[0]@5`. */
export function places(...offsets: readonly number[]): string[] {
  return offsets.map((offset) => `T[0]@${offset}`);
}
