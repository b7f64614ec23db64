import { Kafka, logLevel } from "kafkajs";
import { createAssigners } from "../../../../src/transports/kafka/consumer/assignment/assigners.ts";
import { eventually } from "../../../support/eventually.ts";
import { freshName, freshTopic, testBroker } from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

/** Longer than the test: what a member leaves behind must not go by itself. */
const SESSION_MS = 60_000;

Deno.test("a listener leaves its group, when it ends while it joins and another member holds that up", async () => {
  const topic = await freshTopic("early-leave");
  const group = freshName("early-leave");
  await using _busy = await busyMember({ topic, group });
  const admin = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await using _disconnected = { [Symbol.asyncDispose]: () => admin.disconnect() };
  // Otherwise it knows of no broker that it could ask for the group's coordinator.
  await admin.fetchTopicMetadata({ topics: [topic] });
  const hasMembers = async (count: number) =>
    (await admin.describeGroups([group])).groups[0]?.members.length === count;

  {
    const keys = { "session.timeout.ms": SESSION_MS };
    await using _listening = await KafkaListening.open({ topic, group, keys });
    await eventually(() => hasMembers(2), { deadlineMs: 20_000, what: "that it is joining" });
  }

  await eventually(() => hasMembers(1), { deadlineMs: 20_000, what: "that it has left" });
});

/** A member that sends no heartbeat, and so takes no part in a rebalance until it ends. */
async function busyMember(
  { topic, group: groupId }: { topic: string; group: string },
): Promise<AsyncDisposable> {
  const kafka = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: SESSION_MS - 1,
    partitionAssigners: createAssigners(["range"]),
  });
  const joined = Promise.withResolvers<void>();
  consumer.on(consumer.events.GROUP_JOIN, () => joined.resolve());
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: () => Promise.resolve() });
  await joined.promise;
  return { [Symbol.asyncDispose]: () => consumer.disconnect() };
}
