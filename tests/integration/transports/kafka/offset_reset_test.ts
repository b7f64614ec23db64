import { assertEquals } from "@std/assert";
import { KafkaListener } from "../../../../src/transports/kafka/consumer/listener.ts";
import {
  addPartitions,
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  type TestRecord,
} from "../../../support/kafka/broker.ts";
import { listenerConfig } from "../../../support/kafka/config.ts";
import { eventually } from "../../../support/eventually.ts";
import { GroupClient } from "../../../support/kafka/group_clients.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const context = { pipeline: "offsets", log: new RecordedLog().log, limits: DEFAULT_LIMITS };
const LATEST = { "auto.offset.reset": "latest" };

Deno.test("with 'earliest' a new group starts at the first event", async () => {
  const { topic, group } = await freshTopicAndGroup();
  await produce(topic, values("old"));
  await using listening = await KafkaListening.open({ topic, group });
  await listening.received(1);
  assertEquals(listening.values, ["old"]);
});

// Each start of a new group with 'latest' takes seconds, so tests share one where they can.

Deno.test("with 'latest' a new group starts at the end, and a member that starts later does not move it", async () => {
  const { topic, group } = await freshTopicAndGroup();
  await produce(topic, values("old", "older"));
  await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
  await produce(topic, values("first"));
  await listening.received(1);
  assertEquals(listening.values, ["first"]);

  const later = await KafkaListener.open(listenerConfig({ topic, group, keys: LATEST }), context);
  await later[Symbol.asyncDispose]();
  await produce(topic, values("second"));
  await listening.received(2);
  assertEquals(listening.values, ["first", "second"]);
});

Deno.test("with 'latest' a group that has started gets what is written while no member runs, to empty partitions too", async () => {
  const { topic, group } = await freshTopicAndGroup({ partitions: 3 });
  await produce(topic, [{ value: "old", partition: 0 }]);
  await (await KafkaListening.open({ topic, group, keys: LATEST }))[Symbol.asyncDispose]();
  await produce(
    topic,
    [0, 1, 2].map((partition) => ({ value: `first of ${partition}`, partition })),
  );
  await produce(topic, [{ value: "second of 0", partition: 0 }]);
  await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
  await listening.received(4);
  assertEquals(listening.values.toSorted(), [
    "first of 0",
    "first of 1",
    "first of 2",
    "second of 0",
  ]);
});

Deno.test("with 'latest' two members that start together start at the end", async () => {
  const { topic, group } = await freshTopicAndGroup();
  await produce(topic, values("old"));

  // The second one of them joins the group later than it looks for the group's offsets.
  const [first, second] = await Promise.all(
    [1, 2].map(() => KafkaListener.open(listenerConfig({ topic, group, keys: LATEST }), context)),
  );
  await first?.[Symbol.asyncDispose]();
  await second?.[Symbol.asyncDispose]();

  assertEquals(await committedOffsets(group, topic), new Map([[0, 1]]));
  await produce(topic, values("new"));
  await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
  await listening.received(1);
  assertEquals(listening.values, ["new"]);
});

Deno.test("with 'latest' a member of a group that others hold starts at its topic's end, and takes nothing from them", async () => {
  const { topic, group } = await freshTopicAndGroup({ partitions: 2 });
  await produce(topic, values("old", "older"));
  const others = await freshTopic("offsets");
  await using kcat = GroupClient.kcat({ group, topics: [others] });
  await kcat.holds(1);
  {
    await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
    await listening.log.line(/joined group/);
    await produce(topic, [{ value: "first", partition: 0 }]);
    await listening.received(1);
    assertEquals(listening.values, ["first"]);
  }
  // Nobody of the group reads the topic now, and what comes meanwhile is not skipped.
  await produce(topic, [{ value: "second", partition: 1 }]);
  await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
  await listening.received(1);
  assertEquals(listening.values, ["second"]);
  await produce(others, values("theirs"));
  await eventually(() => kcat.values.includes("theirs"), { deadlineMs: 30_000, what: "theirs" });
});

Deno.test("with 'latest' a member that shares its topic moves no offset of others", async () => {
  const { topic, group } = await freshTopicAndGroup({ partitions: 2 });
  await produce(topic, [0, 1].map((partition) => ({ value: `old of ${partition}`, partition })));
  await using kcat = GroupClient.kcat({ group, topics: [topic] });
  await kcat.holds(2);
  await eventually(async () => offsetsOf(await committedOffsets(group, topic)) === "1,1", {
    deadlineMs: 30_000,
    what: "kcat's commits",
  });
  await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
  await kcat.holds(1);
  assertEquals(offsetsOf(await committedOffsets(group, topic)), "1,1");
  await produce(topic, [0, 1].map((partition) => ({ value: `new of ${partition}`, partition })));
  const all = ["new of 0", "new of 1", "old of 0", "old of 1"];
  await eventually(() => [...kcat.values, ...listening.values].length >= all.length, {
    deadlineMs: 30_000,
    what: () => `all events, found ${[...kcat.values, ...listening.values]}`,
  });
  assertEquals([...kcat.values, ...listening.values].toSorted(), all);
});

Deno.test("with 'latest' a member that has to wait for its group gets what comes meanwhile", async () => {
  const { topic, group } = await freshTopicAndGroup({ partitions: 2 });
  await produce(topic, values("old"));
  const keys = { "partition.assignment.strategy": "cooperative-sticky" };
  await using kcat = GroupClient.kcat({ group, topics: [await freshTopic("offsets")], keys });
  await kcat.holds(1);
  await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
  await listening.log.line(/WARN - .*'cooperative-sticky'/);
  await produce(topic, [0, 1].map((partition) => ({ value: `new of ${partition}`, partition })));
  await kcat.leave();
  await listening.received(2);
  assertEquals(listening.values.toSorted(), ["new of 0", "new of 1"]);
});

Deno.test("with 'latest' partitions that are added after a start among others are read from their first event", async () => {
  const { topic, group } = await freshTopicAndGroup();
  await produce(topic, values("old"));
  await using kcat = GroupClient.kcat({ group, topics: [await freshTopic("offsets")] });
  await kcat.holds(1);
  {
    await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
    await listening.log.line(/joined group/);
    await eventually(async () => offsetsOf(await committedOffsets(group, topic)) === "1", {
      what: "its commit",
    });
  }
  await addPartitions(topic, 2);
  await produce(topic, [{ value: "first of 1", partition: 1 }]);
  await using listening = await KafkaListening.open({ topic, group, keys: LATEST });
  await listening.received(1);
  assertEquals(listening.values, ["first of 1"]);
});

function offsetsOf(offsets: ReadonlyMap<number, number>): string {
  return [...offsets].sort(([a], [b]) => a - b).map(([, offset]) => offset).join();
}

async function freshTopicAndGroup(
  { partitions = 1 }: { partitions?: number } = {},
): Promise<{ topic: string; group: string }> {
  return { topic: await freshTopic("offsets", { partitions }), group: freshName("offsets") };
}

function values(...texts: string[]): TestRecord[] {
  return texts.map((value) => ({ value }));
}
