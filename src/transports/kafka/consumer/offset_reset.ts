import type { Admin, Kafka } from "kafkajs";
import { createCluster } from "../client/kafkajs_patches.ts";

/** What stands for nobody in a commit: brokers accept it only while a group has no members. */
const NO_MEMBER = { memberId: "", groupGenerationId: -1 };

/**
 * Sets the offsets of a group that has none yet for a topic to the topic's end. Done once in a group's life, so that
 * what is written while no member runs, or to partitions added later, is never skipped.
 */
export async function startNewGroupAtEnd(
  kafka: Kafka,
  { groupId, topic }: { groupId: string; topic: string },
): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    if (await hasOffsets(admin, { groupId, topic })) return;
    const ends = await admin.fetchTopicOffsets(topic);
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
    try {
      await commitForEmptyGroup(kafka, { groupId, topics: [{ topic, partitions }] });
    } catch (error) {
      // Two members that start together both find no offsets; the first one sets them.
      if (!(await hasOffsets(admin, { groupId, topic }))) throw error;
    }
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

async function commitForEmptyGroup(
  kafka: Kafka,
  offsets: {
    groupId: string;
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
  },
): Promise<void> {
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    await cluster.refreshMetadata();
    const coordinator = await cluster.findGroupCoordinator({ groupId: offsets.groupId });
    await coordinator.offsetCommit({ ...NO_MEMBER, ...offsets });
  } finally {
    await cluster.disconnect().catch(() => {});
  }
}

async function hasOffsets(
  admin: Admin,
  { groupId, topic }: { groupId: string; topic: string },
): Promise<boolean> {
  const topics = await admin.fetchOffsets({ groupId, topics: [topic] });
  return topics.some(({ partitions }) => partitions.some(({ offset }) => offset !== "-1"));
}
