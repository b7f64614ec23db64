import { assertEquals } from "@std/assert";
import { Kafka, logLevel } from "kafkajs";
import type { Lease } from "../../../../src/core/lease.ts";
import { createCluster } from "../../../../src/transports/kafka/kafkajs/cluster.ts";
import { eventually } from "../../../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  testBroker,
} from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

/** Shorter than what a rebalance gives to calls that run. */
const AT_ONCE_MS = 2000;

Deno.test("a member that was put out of its group joins it again at once, and goes on with what nobody else has had", async () => {
  const topic = await freshTopic("expulsion");
  const group = freshName("expulsion");
  await produce(topic, [{ key: "key", value: "value" }]);
  const call = Promise.withResolvers<void>();
  const leases: Lease[] = [];
  await using listening = await KafkaListening.open({
    topic,
    group,
    keys: { "heartbeat.interval.ms": 300 },
    deliver: async (delivery) => {
      delivery.enter("calling");
      leases.push(delivery.lease);
      await call.promise;
    },
  });
  await listening.received(1);

  await putOut(group);
  await listening.log.line(/^WARN - group '.*' has removed this member/);
  const joins = () => listening.log.of("INFO").filter((line) => line.startsWith("joined")).length;
  await eventually(() => joins() === 2, {
    deadlineMs: AT_ONCE_MS,
    what: "that it joins again, without waiting for the call that runs",
  });
  call.resolve();
  await eventually(async () => (await committedOffsets(group, topic)).get(0) === 1, {
    what: "that the event is committed",
  });
  assertEquals(leases.map(({ ended }) => ended.aborted), [false]);
});

/** Has the only member of a group leave it without knowing. */
async function putOut(groupId: string): Promise<void> {
  const kafka = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING });
  const cluster = createCluster(kafka);
  await cluster.connect();
  try {
    await cluster.refreshMetadata();
    const coordinator = Object(await cluster.findGroupCoordinator({ groupId }));
    const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
    const { memberId } = groups[0].members[0];
    await coordinator.leaveGroup({ groupId, memberId });
  } finally {
    await cluster.disconnect();
  }
}
