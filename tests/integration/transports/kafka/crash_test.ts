import { assert, assertEquals, assertRejects } from "@std/assert";
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
} from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

/** Longer than the test: what a member leaves behind must not go by itself. */
const SESSION_MS = 60_000;

Deno.test("what is in flight when the consumer cannot go on is finished and committed before it leaves the group", async () => {
  const { topic, group, log, wasDrained } = await crash();
  assert(wasDrained);
  assertEquals((await committedOffsets(group, topic)).get(0), 1);
  assertEquals(log.matching(/cannot commit/), []);
  await eventually(async () => await memberCount({ topic, group }) === 0, {
    deadlineMs: 20_000,
    what: "that it has left the group",
  });
});

Deno.test("what is in flight is given up at once, and not committed, when the consumer cannot go on and its session has run out", async () => {
  const { topic, group, wasDrained } = await crash({ lastRequest: 0 });
  assert(!wasDrained);
  assertEquals((await committedOffsets(group, topic)).get(0), -1);
});

/** Has the consumer of a listener crash while an event is in flight, which settles when its lease is about to end. */
async function crash({ lastRequest }: { lastRequest?: number } = {}) {
  const topic = await freshTopic("crash");
  const group = freshName("crash");
  await produce(topic, [{ key: "key", value: "value" }]);
  let wasDrained = false;
  const listening = await KafkaListening.open({
    topic,
    group,
    keys: { "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 300 },
    deliver: async ({ lease }) => {
      await aborted(lease.ending);
      wasDrained = !lease.ended.aborted;
    },
  });
  await listening.received(1);
  using _failing = failingHeartbeats(lastRequest);
  await listening.ended.catch(() => {});
  const closed = () => listening[Symbol.asyncDispose]();
  await assertRejects(closed, Error, "consumer stopped");
  return { topic, group, log: listening.log, wasDrained };
}

/** Heartbeats that fail in a way that kafkajs does not repeat, and the time of the last that did not, until the end of the scope. */
function failingHeartbeats(lastRequest?: number): Disposable {
  const { heartbeat } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.heartbeat = function (): Promise<void> {
    this.lastRequest = lastRequest ?? this.lastRequest;
    return Promise.reject(new TypeError("nothing comes of it"));
  };
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
