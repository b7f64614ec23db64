import { assertEquals } from "@std/assert";
import type { ConsumerGroup } from "../../../../src/transports/kafka/kafkajs/types.ts";
import {
  leaveOutOfRange,
  whereToContinue,
} from "../../../../src/transports/kafka/consumer/offset_out_of_range.ts";
import { PartitionProblems } from "../../../../src/transports/kafka/client/partition_problems.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const BEYOND = { offset: 1_000_000, first: 0, end: 250, wentFurther: false } as const;

Deno.test("whereToContinue() goes on at the first event that is still there, whatever the reset", () => {
  for (const reset of ["earliest", "latest"] as const) {
    const next = whereToContinue({ offset: 17, first: 100, end: 250, reset, wentFurther: false });
    assertEquals(next, {
      to: 100,
      because: "its first event now, as 83 offsets were deleted before they were read",
      commit: null,
    });
  }
});

Deno.test("whereToContinue() goes by the reset beyond the end, when nobody knows where the offset comes from", () => {
  assertEquals(whereToContinue({ ...BEYOND, reset: "earliest" })?.to, 0);
  assertEquals(whereToContinue({ ...BEYOND, reset: "latest" })?.to, 250);
});

Deno.test("whereToContinue() goes on at the first event when the partition once went further, whatever the reset", () => {
  for (const reset of ["earliest", "latest"] as const) {
    assertEquals(whereToContinue({ ...BEYOND, reset, wentFurther: true })?.to, 0);
  }
});

Deno.test("whereToContinue() changes nothing when the offset is in range after all", () => {
  for (const offset of [100, 250]) {
    const range = { first: 100, end: 250, reset: "latest", wentFurther: false } as const;
    assertEquals(whereToContinue({ offset, ...range }), null);
  }
});

/** A group with one partition of `orders`, and what is asked of it. */
function aGroup({ first = 0, end = 250, committed = 1_000_000 } = {}) {
  const log = new RecordedLog();
  const told: unknown[] = [];
  const troubles = new PartitionProblems({
    topic: "orders",
    action: "read",
    log: log.log,
    health: undefined,
  });
  const offsets = (offset: number) => ({
    responses: [{ partitions: [{ partition: 3, offset: `${offset}` }] }],
  });
  const group = {
    groupId: "g",
    isolationLevel: 1,
    preferredReadReplicasPerTopicPartition: {} as Record<string, Record<number, object>>,
    cluster: {
      findLeaderForPartitions: () => ({ 1: [3] }),
      findBroker: () =>
        Promise.resolve({
          listOffsets: ({ topics }: { topics?: { partitions: { timestamp: string }[] }[] }) =>
            Promise.resolve(
              offsets(topics?.[0]?.partitions[0]?.timestamp === "-2" ? first : end),
            ),
        }),
    },
    offsetManager: {
      getCoordinator: () =>
        Promise.resolve({ offsetFetch: () => Promise.resolve(offsets(committed)) }),
      commitOffsets: (commit: object) => {
        told.push(commit);
        return Promise.resolve();
      },
      resolveOffset: (place: object) => void told.push(place),
    },
  };
  const leave = (reset: "earliest" | "latest") =>
    leaveOutOfRange(group as unknown as ConsumerGroup, { partition: 3, offset: 1_000_000 }, {
      topic: "orders",
      offsetReset: reset,
      troubles,
      log: log.log,
      resets: (partition) => void told.push(`resets ${partition}`),
    }, () => false);
  return { group, leave, log, told, troubles };
}

Deno.test("leaveOutOfRange() commits the new offset before it goes on there, and says topic, partition, offsets and why in one line", async () => {
  const { leave, log, told } = aGroup();
  await leave("latest");
  assertEquals(told, [
    "resets 3",
    { topics: [{ topic: "orders", partitions: [{ partition: 3, offset: "250" }] }] },
    { topic: "orders", partition: 3, offset: "249" },
  ]);
  assertEquals(log.lines, [
    "ERROR - orders[3] has no offset 1000000, only 0 to 250: group 'g' continues at offset 250, its end, as " +
    "auto.offset.reset is latest",
  ]);
});

Deno.test("leaveOutOfRange() goes on at the first event, with 'latest', when the group has no offset any more", async () => {
  const { leave, log, told } = aGroup({ committed: -1 });
  await leave("latest");
  assertEquals(told.slice(1), [
    // No offset counts any more.
    { topics: [{ topic: "orders", partitions: [{ partition: 3, offset: "-2" }] }] },
    { topic: "orders", partition: 3, offset: "-1" },
  ]);
  assertEquals(log.lines, [
    "ERROR - orders[3] has no offset 1000000, only 0 to 250: group 'g' continues at offset 0, its first event, as " +
    "the topic was re-created or truncated",
  ]);
});

Deno.test("leaveOutOfRange() goes on at the first event, with 'latest', when the partition was read before", async () => {
  const { leave, log, troubles } = aGroup();
  troubles.works(3);
  await leave("latest");
  assertEquals(log.matching(/continues at offset 0, its first event/).length, 1);
});

Deno.test("leaveOutOfRange() commits nothing when the next events were deleted: what is under way may still be", async () => {
  const { leave, told } = aGroup({ first: 2_000_000, end: 3_000_000 });
  await leave("latest");
  assertEquals(told, ["resets 3", { topic: "orders", partition: 3, offset: "1999999" }]);
});

Deno.test("leaveOutOfRange() asks the leader when a follower has no such offset", async () => {
  const { group, leave, log, told } = aGroup();
  group.preferredReadReplicasPerTopicPartition["orders"] = { 3: { nodeId: 2 } };
  await leave("earliest");
  assertEquals([told, log.lines], [[], []]);
  assertEquals(group.preferredReadReplicasPerTopicPartition, { orders: {} });
});

Deno.test("leaveOutOfRange() stays where it is when the new offset cannot be committed", async () => {
  const { group, leave, told, troubles } = aGroup();
  group.offsetManager.commitOffsets = () => Promise.reject(new Error("away"));
  await leave("earliest");
  assertEquals([told, troubles.isEmpty], [["resets 3"], false]);
});
