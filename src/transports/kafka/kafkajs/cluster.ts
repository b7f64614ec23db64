import type { Kafka } from "kafkajs";
import ClusterOfKafkajs from "kafkajs/src/cluster/index.js";
import { replacement } from "./replacement.ts";

/** The leader of a partition that has none. */
const NO_LEADER = -1;

/** kafkajs's internal client, which its producers, consumers and admin clients use; only the members used here. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  findGroupCoordinator(group: { groupId: string }): Promise<Coordinator>;
}

/** The coordinator of a consumer group. */
export interface Coordinator {
  offsetCommit(commit: {
    groupId: string;
    memberId: string;
    groupGenerationId: number;
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }): Promise<unknown>;
}

/**
 * Creates an internal client, which kafkajs's public API does not expose: to commit without being a member, and to
 * store batches. `metadataMaxAge` is in milliseconds.
 */
export function createCluster(
  kafka: Kafka,
  options: { metadataMaxAge?: number; allowAutoTopicCreation?: boolean } = {},
): Cluster {
  const key = Object.getOwnPropertySymbols(kafka)
    .find(({ description }) => description === "private:Kafka:createCluster");
  if (key === undefined) throw new Error("this version of kafkajs creates no clusters: use 2.2.4");
  return Reflect.get(kafka, key)({
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    ...options,
  });
}

const { findLeaderForPartitions } = ClusterOfKafkajs.prototype;

/** A request to the leaders of several partitions, such as for offsets, leaves out those without a leader. */
export const CLUSTER = replacement("Cluster", ClusterOfKafkajs.prototype, {
  findLeaderForPartitions(topic: string, partitions: readonly number[]) {
    const byLeader: Record<string, readonly number[]> = findLeaderForPartitions
      .call(this, topic, partitions);
    delete byLeader[NO_LEADER];
    return byLeader;
  },
});
