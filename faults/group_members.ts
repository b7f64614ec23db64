import { Kafka, logLevel } from "kafkajs";
import { patchKafkajs } from "../src/transports/kafka/kafkajs/mod.ts";

/** The identifiers of a group's members. One that was taken for gone has another one when it comes back. */
export async function groupMembers(
  { broker, group, topic }: { broker: string; group: string; topic: string },
): Promise<string> {
  patchKafkajs();
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    // Otherwise it knows of no broker that it could ask for the group's coordinator.
    await admin.fetchTopicMetadata({ topics: [topic] });
    const { groups } = await admin.describeGroups([group]);
    return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId)).sort().join();
  } finally {
    await admin.disconnect();
  }
}
