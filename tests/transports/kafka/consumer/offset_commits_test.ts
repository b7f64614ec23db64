import { assertEquals } from "@std/assert";
import type {
  AssignedPartition,
} from "../../../../src/transports/kafka/consumer/assigned_partition.ts";
import type { PartitionOffset } from "../../../../src/transports/kafka/kafkajs/types.ts";
import { PipelineHealth } from "../../../../src/core/health.ts";
import { OffsetCommits } from "../../../../src/transports/kafka/consumer/offset_commits.ts";
import { assign } from "../../../support/kafka/assign.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { FakeRecords } from "../../../support/kafka/fetched_records.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

/** Commits of partitions of topic T, and what has come of them. */
function commitsOf(
  partitions: readonly AssignedPartition[],
  { isCommitting = true, sessionTimeoutMs = 60_000, health }: {
    isCommitting?: boolean;
    sessionTimeoutMs?: number;
    health?: PipelineHealth;
  } = {},
) {
  const sent: PartitionOffset[][] = [];
  const told: number[] = [];
  const failures: string[] = [];
  const log = new RecordedLog();
  const world = { sent, told, failures, log, answer: () => Promise.resolve() };
  const commits = new OffsetCommits({
    topic: "T",
    sessionTimeoutMs,
    group: () => ({
      commitOffsets({ topics }) {
        sent.push(topics.flatMap(({ partitions }) => partitions));
        return world.answer();
      },
    }),
    partitions: () => partitions,
    isCommitting,
    onCommit: (_, offset) => void told.push(offset),
    onFailure: ({ message }) => void failures.push(message),
    log: log.log,
    ...(health === undefined ? {} : { health }),
  });
  return Object.assign(world, { commits });
}

/** A partition of which the events below `end` have settled. */
async function settledUpTo(end: number): Promise<AssignedPartition> {
  const { assigned, pipeline } = assign();
  assigned.enqueue([FakeRecords.at(...Array.from({ length: end }, (_, offset) => offset))], end);
  await promisesSettled();
  for (const place of pipeline.running) pipeline.settle(place);
  await promisesSettled();
  return assigned;
}

function refusal(type: string): Error {
  return Object.assign(new Error(type), { type });
}

Deno.test("OffsetCommits commits up to where everything has settled, and that once", async () => {
  const assigned = await settledUpTo(3);
  const { commits, sent, told } = commitsOf([assigned]);
  await commits.commit();
  await commits.commitAll();
  assertEquals(sent, [[{ partition: 0, offset: "3", metadata: "" }]]);
  assertEquals(told, [3]);
  assertEquals([assigned.commits.committed, assigned.commits.isPending], [3, false]);
});

Deno.test("OffsetCommits commits nothing of a partition in doubt, and all of it when that is over", async () => {
  const [doubtful, certain] = [await settledUpTo(3), await settledUpTo(2)];
  const { commits, sent } = commitsOf([doubtful, certain]);
  doubtful.ownership.unconfirm();
  await commits.commitAll();
  assertEquals(sent.map((partitions) => partitions.map(({ offset }) => offset)), [["2"]]);
  assertEquals([0, 3].map((offset) => doubtful.commits.mayBeAt(offset)), [true, false]);

  assertEquals(doubtful.confirm(0), true);
  await commits.commitAll();
  assertEquals(sent.map((partitions) => partitions.map(({ offset }) => offset)), [["2"], ["3"]]);
});

Deno.test("OffsetCommits commits again what was not answered, and remembers that it may have arrived", async () => {
  const assigned = await settledUpTo(3);
  const world = commitsOf([assigned]);
  world.answer = () => Promise.reject(new Error("the connection was closed"));
  await world.commits.commit();
  assertEquals([0, 2, 3].map((offset) => assigned.commits.mayBeAt(offset)), [true, false, true]);
  assertEquals(world.told, []);

  world.answer = () => Promise.resolve();
  await world.commits.commit();
  assertEquals(world.sent.map(([commit]) => commit?.offset), ["3", "3"]);
  assertEquals(world.told, [3]);
});

Deno.test("OffsetCommits says of a commit that has failed that it is tried again, and of the last one that it is not", async () => {
  const world = commitsOf([await settledUpTo(1)]);
  world.answer = () => Promise.reject(new Error("Closed connection"));
  await world.commits.commit();
  await world.commits.commitLast();
  assertEquals(world.log.lines, [
    "WARN - cannot commit offsets: Closed connection; trying again",
    "WARN - cannot commit offsets: Closed connection; uncommitted events are handled again",
  ]);
});

Deno.test("OffsetCommits commits nothing where the group is to remember nothing", async () => {
  const { commits, sent } = commitsOf([await settledUpTo(3)], { isCommitting: false });
  await commits.commitAll();
  assertEquals(sent, []);
});

for (const type of ["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"]) {
  Deno.test(`OffsetCommits fails when the group answers ${type} for a whole session, and not before`, async () => {
    for (const [sessionTimeoutMs, failures] of [[60_000, 0], [0, 1]] as const) {
      const world = commitsOf([await settledUpTo(3)], { sessionTimeoutMs });
      world.answer = () => Promise.reject(refusal(type));
      await world.commits.commit();
      assertEquals(world.failures.length, failures);
    }
  });
}

Deno.test("OffsetCommits tells of commits that fail once they have failed for long, until one works", async () => {
  let nowMs = 0;
  const health = new PipelineHealth({ now: () => nowMs });
  const world = commitsOf([await settledUpTo(1)], { health });
  world.answer = () => Promise.reject(new Error("connection refused"));
  await world.commits.commit();
  nowMs = 14_999;
  await world.commits.commit();
  assertEquals(health.reasons(), []);
  nowMs = 15_000;
  assertEquals(health.reasons(), ["cannot commit offsets: connection refused"]);

  world.answer = () => Promise.resolve();
  await world.commits.commit();
  assertEquals([world.sent.length, health.reasons()], [3, []]);
});

Deno.test("OffsetCommits tells of no failure any more, when there is nothing left to commit", async () => {
  let nowMs = 0;
  const health = new PipelineHealth({ now: () => nowMs });
  const assigned = await settledUpTo(1);
  const world = commitsOf([assigned], { health });
  world.answer = () => Promise.reject(new Error("connection refused"));
  await world.commits.commit();
  nowMs = 15_000;
  assertEquals(health.reasons(), ["cannot commit offsets: connection refused"]);

  // It was kept at a rebalance, in which another member may have had it.
  assigned.ownership.unconfirm();
  await world.commits.commit();
  assertEquals([world.sent.length, health.reasons()], [1, []]);
});
