import { assertEquals } from "@std/assert";
import { createTopics } from "../../../../tools/kafka/mod.ts";
import { BrokerAdmin } from "../../../faults/broker_admin.ts";
import { eventually } from "../../../support/eventually.ts";
import { freshName, freshTopic, produce, testBroker } from "../../../support/kafka.ts";
import { KafkaListening } from "../../../support/kafka_listening.ts";

Deno.test("a topic that is deleted is named by log and readiness, and read from its first event when it is created anew", async () => {
  const topic = await freshTopic("deleted");
  const keys = { "auto.offset.reset": "latest" };
  await using listening = await KafkaListening.open({ topic, group: freshName("deleted"), keys });
  await produce(topic, ["a", "b", "c", "d"].map((value) => ({ value })));
  await listening.received(4);

  await new BrokerAdmin(testBroker()).deleteTopic(topic);
  await listening.log.line(/WARN - cannot read deleted-\S+\[0\]@4: the topic does not exist any/, {
    deadlineMs: 10_000,
  });
  assertEquals(listening.health.reasons(), [
    `cannot read ${topic}[0]@4: the topic does not exist any more`,
  ]);

  await createTopics(testBroker(), [{ topic }]);
  await produce(topic, ["new", "newer"].map((value) => ({ value })));
  await listening.received(6);
  assertEquals(listening.values.slice(4), ["new", "newer"]);
  await listening.log.line(/INFO - reading deleted-\S+\[0\] again/);
  await eventually(() => listening.health.reasons().length === 0, {
    what: () => `readiness, found ${listening.health.reasons()}`,
  });
  assertEquals(listening.log.matching(/joined group/).length, 1);
});
