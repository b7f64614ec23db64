import { assertEquals } from "@std/assert";
import { KafkaListener } from "../../../../src/transports/kafka/consumer/listener.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  type TestRecord,
} from "../../../support/kafka.ts";
import { listenerConfig } from "../../../support/kafka_config.ts";
import { KafkaListening } from "../../../support/kafka_listening.ts";
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

async function freshTopicAndGroup(
  { partitions = 1 }: { partitions?: number } = {},
): Promise<{ topic: string; group: string }> {
  return { topic: await freshTopic("offsets", { partitions }), group: freshName("offsets") };
}

function values(...texts: string[]): TestRecord[] {
  return texts.map((value) => ({ value }));
}
