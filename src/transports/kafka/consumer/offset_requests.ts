import type { Broker, OffsetManager, PartitionOffset } from "../kafkajs/types.ts";

/** Requests the first offset. As a committed offset it means "none", a convention of kafkajs. */
export const EARLIEST = "-2";

/** Requests the offset of the next record to be stored. */
export const LATEST = "-1";

/** What a group has committed for partitions of a topic: -1 without a commit. */
export async function fetchCommitted(
  coordinator: Broker,
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
  cluster: OffsetManager["cluster"],
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

function offsetsIn(
  { responses }: Awaited<ReturnType<Broker["listOffsets"]>>,
): readonly PartitionOffset[] {
  return responses.flatMap(({ partitions }) => partitions);
}
