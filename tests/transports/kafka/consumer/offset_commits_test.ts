import { assertEquals } from "@std/assert";
import type { AssignedPartition } from "../../../../src/transports/kafka/consumer/assigned_partition.ts";
import type { CommittedOffset } from "../../../../src/transports/kafka/consumer/group_members.ts";
import { OffsetCommits } from "../../../../src/transports/kafka/consumer/offset_commits.ts";
import { assign } from "../../../support/assign.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { FakeRecords } from "../../../support/fetched_records.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

/** Commits of partitions of topic T, and what has come of them. */
function commitsOf(
  partitions: readonly AssignedPartition[],
  { isCommitting = true, sessionTimeoutMs = 60_000 } = {},
) {
  const sent: CommittedOffset[][] = [];
  const told: number[] = [];
  const failures: string[] = [];
  const world = { sent, told, failures, answer: () => Promise.resolve() };
  const { log } = new RecordedLog();
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
    log,
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
  assertEquals([assigned.committed, assigned.committing], [3, 3]);
});

Deno.test("OffsetCommits commits nothing of a partition in doubt, and all of it when that is over", async () => {
  const [doubtful, certain] = [await settledUpTo(3), await settledUpTo(2)];
  const { commits, sent } = commitsOf([doubtful, certain]);
  doubtful.isDoubtful = true;
  await commits.commitAll();
  assertEquals(sent.map((partitions) => partitions.map(({ offset }) => offset)), [["2"]]);
  assertEquals([doubtful.committed, doubtful.committing], [0, 0]);

  doubtful.isDoubtful = false;
  await commits.commitAll();
  assertEquals(sent.map((partitions) => partitions.map(({ offset }) => offset)), [["2"], ["3"]]);
});

Deno.test("OffsetCommits commits again what was not answered, and remembers that it may have arrived", async () => {
  const assigned = await settledUpTo(3);
  const world = commitsOf([assigned]);
  world.answer = () => Promise.reject(new Error("the connection was closed"));
  await world.commits.commit();
  assertEquals([assigned.committed, assigned.committing], [0, 3]);
  assertEquals(world.told, []);

  world.answer = () => Promise.resolve();
  await world.commits.commit();
  assertEquals(world.sent.map(([commit]) => commit?.offset), ["3", "3"]);
  assertEquals(world.told, [3]);
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
