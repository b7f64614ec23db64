import { Kafka, logLevel } from "kafkajs";
import { aborted } from "../../../../src/core/backoff.ts";
import type { Lease } from "../../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../../src/core/listener.ts";
import { createCluster } from "../../../../src/transports/kafka/client/kafkajs_patches.ts";
import { inTime } from "../../../support/eventually.ts";
import { freshName, freshTopic, produce, testBroker } from "../../../support/kafka.ts";
import { KafkaListening } from "../../../support/kafka_listening.ts";

/** Shorter than what a rebalance gives to calls that run. */
const AT_ONCE_MS = 2000;

Deno.test("work of a member that was put out of its group is given up at once, and done again once it is back", async () => {
  const topic = await freshTopic("expulsion");
  const group = freshName("expulsion");
  await produce(topic, [{ key: "key", value: "value" }]);
  const leases: Lease[] = [];
  await using listening = await KafkaListening.open({
    topic,
    group,
    keys: { "heartbeat.interval.ms": 300 },
    deliver: async (_, lease) => {
      leases.push(lease);
      if (leases.length > 1) return;
      await aborted(lease.ending);
      throw new EventNotSettledError();
    },
  });
  await listening.received(1);

  await putOut(group);

  await inTime(aborted(leases[0]!.ended), {
    deadlineMs: AT_ONCE_MS,
    what: "that its lease has ended",
  });
  await listening.received(2);
  await listening.log.line(/^WARN - group '.*' has gone on without this member/);
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
