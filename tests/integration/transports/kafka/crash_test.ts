import { assertEquals, assertRejects } from "@std/assert";
import { Kafka, logLevel } from "kafkajs";
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import { aborted } from "../../../../src/core/backoff.ts";
import { eventually } from "../../../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  testBroker,
} from "../../../support/kafka.ts";
import { KafkaListening } from "../../../support/kafka_listening.ts";

/** Longer than the test: what a member leaves behind must not go by itself. */
const SESSION_MS = 60_000;

Deno.test("what is in flight when the consumer cannot go on is finished and committed before it leaves the group", async () => {
  const topic = await freshTopic("crash");
  const group = freshName("crash");
  await produce(topic, [{ key: "key", value: "value" }]);
  const listening = await KafkaListening.open({
    topic,
    group,
    keys: { "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 300 },
    deliver: (_, lease) => aborted(lease.ending),
  });
  await listening.received(1);
  {
    using _failing = failingHeartbeats();
    await listening.ended.catch(() => {});
    const closed = () => listening[Symbol.asyncDispose]();
    await assertRejects(closed, Error, "consumer stopped");
  }
  assertEquals((await committedOffsets(group, topic)).get(0), 1);
  assertEquals(listening.log.matching(/cannot commit/), []);
  await eventually(async () => await memberCount({ topic, group }) === 0, {
    deadlineMs: 20_000,
    what: "that it has left the group",
  });
});

/** Heartbeats that fail in a way that kafkajs does not repeat, until the end of the scope. */
function failingHeartbeats(): Disposable {
  const { heartbeat } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.heartbeat = () => Promise.reject(new TypeError("nothing comes of it"));
  return {
    [Symbol.dispose]() {
      ConsumerGroup.prototype.heartbeat = heartbeat;
    },
  };
}

async function memberCount(
  { topic, group }: { topic: string; group: string },
): Promise<number | undefined> {
  const admin = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    // Otherwise it knows of no broker that it could ask for the group's coordinator.
    await admin.fetchTopicMetadata({ topics: [topic] });
    return (await admin.describeGroups([group])).groups[0]?.members.length;
  } finally {
    await admin.disconnect();
  }
}
