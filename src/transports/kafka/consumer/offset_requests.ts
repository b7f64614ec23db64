/** Requests the first offset. As a committed offset it means "none", a convention of kafkajs. */
export const EARLIEST = "-2";

/** Requests the offset of the next record to be stored. */
export const LATEST = "-1";

/** An offset of a partition, as kafkajs decodes it. */
export interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
}

interface OffsetsResponse {
  readonly responses: readonly { readonly partitions: readonly PartitionOffset[] }[];
}

/** The part of a group's coordinator used here. */
export interface OffsetsCoordinator {
  offsetFetch(request: {
    groupId: string;
    topics: { topic: string; partitions: { partition: number }[] }[];
  }): Promise<OffsetsResponse>;
}

/** The part of kafkajs's `Cluster` that finds the offsets which leaders know. */
export interface OffsetsCluster {
  findBroker(broker: { nodeId: string }): Promise<{
    listOffsets(request: object): Promise<OffsetsResponse>;
  }>;
  /** Partitions by the id of their leader. */
  findLeaderForPartitions(
    topic: string,
    partitions: readonly number[],
  ): Readonly<Record<string, readonly number[]>>;
}

/** What a group has committed for partitions of a topic: -1 without a commit. */
export async function fetchCommitted(
  coordinator: OffsetsCoordinator,
  { groupId, topic, partitions }: {
    groupId: string;
    topic: string;
    partitions: readonly number[];
  },
): Promise<readonly PartitionOffset[]> {
  const topics = [{ topic, partitions: partitions.map((partition) => ({ partition })) }];
  return offsetsIn(await coordinator.offsetFetch({ groupId, topics }));
}

/** The offsets of partitions by their leader, broker `nodeId`. If one of them fails, the request fails. */
export async function listOffsets(
  cluster: OffsetsCluster,
  { nodeId, topic, partitions, timestamp, isolationLevel }: {
    nodeId: string;
    topic: string;
    partitions: readonly number[];
    timestamp: typeof EARLIEST | typeof LATEST;
    isolationLevel?: number;
  },
): Promise<readonly PartitionOffset[]> {
  const broker = await cluster.findBroker({ nodeId });
  const asked = partitions.map((partition) => ({ partition, timestamp }));
  const topics = [{ topic, partitions: asked }];
  return offsetsIn(await broker.listOffsets({ isolationLevel, topics }));
}

function offsetsIn({ responses }: OffsetsResponse): readonly PartitionOffset[] {
  return responses.flatMap(({ partitions }) => partitions);
}
