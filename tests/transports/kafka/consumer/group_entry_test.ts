import { assertEquals } from "@std/assert";
import { PipelineHealth } from "../../../../src/core/health.ts";
import { GroupEntry } from "../../../../src/transports/kafka/consumer/group_entry.ts";
import type { ConsumerGroup } from "../../../../src/transports/kafka/kafkajs/types.ts";
import { everythingSettled } from "../../../support/eventually.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const FULL = Object.assign(new Error("full"), { type: "GROUP_MAX_SIZE_REACHED" });

Deno.test("GroupEntry says once why the group does not let the member in, until it does", async () => {
  const { entry, log, health } = anEntry();
  await entry.refused(aGroup([]), FULL);
  await entry.refused(aGroup([]), FULL);
  const [reason = ""] = health.reasons();
  assertEquals(log.of("WARN"), [reason]);
  assertEquals(reason.endsWith("; it joins once it can"), true);
  entry.joined(aGroup([0]), 2);
  assertEquals(health.reasons(), []);
  await entry.refused(aGroup([]), FULL);
  assertEquals(log.of("WARN"), [reason, reason]);
});

Deno.test("GroupEntry says that a member holds nothing of a topic that has partitions", async () => {
  const { entry, log } = anEntry();
  entry.joined(aGroup([0]), 2);
  entry.joined(aGroup([]), 0);
  await everythingSettled();
  assertEquals(log.of("INFO"), []);
  entry.joined(aGroup([]), 2);
  await everythingSettled();
  assertEquals(log.of("INFO"), [
    "holds none of the 2 partitions of T, which 3 members of 'orders' share: it stands by for one of them to leave; " +
    "for more members, the topic needs more partitions",
  ]);
});

Deno.test("GroupEntry asks for no more partitions when there are enough of them for all members", async () => {
  const { entry, log } = anEntry();
  entry.joined(aGroup([]), 4);
  await everythingSettled();
  assertEquals(log.of("INFO"), [
    "holds none of the 4 partitions of T, which 3 members of 'orders' share: it waits for the group to give it some",
  ]);
});

Deno.test("GroupEntry says that a topic is gone while the member has no partition that tells it", async () => {
  const { entry, log, health } = anEntry();
  const gone = "topic 'T' does not exist any more";
  entry.joined(aGroup([0]), 1);
  entry.topicGone(true);
  assertEquals(health.reasons(), []);
  entry.joined(aGroup([]), 1);
  entry.topicGone(true);
  await everythingSettled();
  assertEquals(health.reasons(), [gone]);
  assertEquals(log.lines, [`WARN - ${gone}; waiting for it`]);
  entry.topicGone(false);
  assertEquals(health.reasons(), []);
});

function anEntry() {
  const log = new RecordedLog();
  const health = new PipelineHealth();
  const entry = new GroupEntry(
    { groupId: "orders", topic: "T", start: null },
    { log: log.log, health },
  );
  return { entry, log, health };
}

/** A group of three members, of which this one got these partitions. */
function aGroup(partitions: readonly number[]): ConsumerGroup {
  const members = Array.from({ length: 3 }, () => ({ memberMetadata: new Uint8Array(0) }));
  const group = {
    groupId: "orders",
    assigners: [{ name: "range" }],
    coordinator: {
      describeGroups: () =>
        Promise.resolve({ groups: [{ protocolType: "consumer", protocol: "range", members }] }),
    },
    assigned: () => [{ partitions }],
  };
  return group as unknown as ConsumerGroup;
}
