import { sleep } from "../../../core/backoff.ts";
import type { FetchDemand } from "./fetch_demand.ts";
import type { FetchedRecords } from "./record_batch.ts";

/**
 * How long to fetch before kafkajs has its turn, which sends heartbeats, looks for new partitions, and ends. What it
 * does between two fetches takes longer than they do.
 */
const TURN_MS = 100;

/** No broker is better to fetch from than the one that was asked (KIP-392). */
const NO_REPLICA = -1;

/** How long a fetch may wait for records while another partition is not wanted, and kafkajs while none is. */
const MAX_WAIT_WHILE_UNWANTED_MS = 50;

/** What was fetched of one partition. */
export interface FetchedPartition {
  readonly partition: number;
  /** From where it was fetched. */
  readonly fetchedOffset: number;
  /** Where the next fetch begins: below it, what is not among the records is no event. */
  readonly nextOffset: number;
  readonly records: readonly FetchedRecords[];
}

/** Whom to fetch for. */
export interface FetchOptions {
  /** The broker to ask. */
  readonly nodeId: string;
  /** Whether the assignment that is fetched for was given up meanwhile. */
  readonly isGivenUp: () => boolean;
  /** Whether more of a partition should be fetched, from where the next fetch would begin. */
  readonly wantsMore: (partition: number, nextOffset: number) => boolean;
  readonly demand: FetchDemand;
  /** Takes what was fetched, in the order of the offsets of each partition. */
  readonly take: (fetched: FetchedPartition) => void;
}

/** What kafkajs's group of a consumer knows of its assignment, as far as it is used here. */
export interface FetchingGroup {
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly isolationLevel: number;
  readonly rackId: string;
  readonly metadataMaxAge: number;
  readonly preferredReadReplicasPerTopicPartition: Record<string, Record<number, PreferredReplica>>;
  readonly cluster: { findBroker(node: { nodeId: string }): Promise<Broker> };
  readonly offsetManager: {
    committedOffsets(): Record<string, Record<number, string>>;
    nextOffset(topic: string, partition: number): string;
    resolveOffset(place: { topic: string; partition: number; offset: string }): void;
  };
  assigned(): readonly TopicPartitions[];
  filterPartitionsByNode(
    nodeId: string,
    partitions: readonly TopicPartitions[],
  ): readonly TopicPartitions[];
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

interface PreferredReplica {
  readonly nodeId: number;
  readonly expireAt: number;
}

/** A member's partitions that are fetched from one broker. */
interface BrokerPartitions {
  readonly broker: Broker;
  readonly topic: string;
  /** The offset that the next fetch of each begins at. */
  readonly nextOffsets: Map<number, number>;
}

interface Broker {
  fetch(request: object): Promise<
    { responses: readonly { readonly partitions: readonly PartitionAnswer[] }[] }
  >;
}

/** What a broker answers for one partition. */
interface PartitionAnswer {
  readonly partition: number;
  /** The broker to fetch from instead. */
  readonly preferredReadReplica?: number;
  readonly messages: readonly (FetchedRecords & { readonly isControlRecord: boolean })[];
}

/**
 * Fetches from one broker again and again, until kafkajs should have its turn. kafkajs's own queues take as long for
 * each fetch as everything else does, so what is fetched passes them by.
 *
 * @throws {Error} as kafkajs fails when a fetch does, with a `type` or a `name` that tells how to recover
 */
export async function fetchForAWhile(group: FetchingGroup, options: FetchOptions): Promise<void> {
  const { nodeId, isGivenUp, wantsMore, demand, take } = options;
  const { offsetManager } = group;
  const partitions = await brokerPartitions(group, nodeId);
  if (partitions === null) return await sleep(group.maxWaitTime);
  const { topic, nextOffsets } = partitions;
  const endMs = performance.now() + TURN_MS;
  do {
    const { nextRise, risesSoon } = demand;
    const wanted = [...nextOffsets]
      .filter(([partition, nextOffset]) => wantsMore(partition, nextOffset))
      .map(([partition]) => partition);
    // A broker that waits for records takes no other request meanwhile.
    const waitsHere = wanted.length === 0 || risesSoon && wanted.length < nextOffsets.size;
    const answers = await fetchOnce(group, partitions, { wanted, waitsHere });
    if (isGivenUp()) return;
    for (const answer of answers) {
      notePreferredReplica(group, topic, answer);
      const fetched = toFetched(answer, nextOffsets);
      if (fetched === null) continue;
      const { partition, nextOffset } = fetched;
      nextOffsets.set(partition, nextOffset);
      offsetManager.resolveOffset({ topic, partition, offset: `${nextOffset - 1}` });
      take(fetched);
    }
    if (answers.some(prefersOther)) return;
    if (waitsHere && answers.every(isEmpty)) {
      await sleep(MAX_WAIT_WHILE_UNWANTED_MS, nextRise);
      if (!nextRise.aborted) return;
    }
  } while (performance.now() < endMs);
}

/** A member's partitions that a broker is asked for; null when there are none. */
async function brokerPartitions(
  group: FetchingGroup,
  nodeId: string,
): Promise<BrokerPartitions | null> {
  const { offsetManager } = group;
  const [atBroker] = group.filterPartitionsByNode(nodeId, group.assigned());
  if (atBroker === undefined) return null;
  const { topic, partitions } = atBroker;
  const committed = offsetManager.committedOffsets()[topic];
  const nextOffsets = new Map<number, number>();
  for (const partition of partitions) {
    // Another broker's fetch can be about to find out where a partition begins.
    if (committed?.[partition] === undefined) continue;
    nextOffsets.set(partition, Number(offsetManager.nextOffset(topic, partition)));
  }
  if (nextOffsets.size === 0) return null;
  return { topic, nextOffsets, broker: await group.cluster.findBroker({ nodeId }) };
}

async function fetchOnce(
  group: FetchingGroup,
  { topic, nextOffsets, broker }: BrokerPartitions,
  { wanted, waitsHere }: { wanted: readonly number[]; waitsHere: boolean },
): Promise<readonly PartitionAnswer[]> {
  if (wanted.length === 0) return [];
  const { minBytes, maxBytes, maxBytesPerPartition, isolationLevel, rackId } = group;
  const maxWaitTime = wanted.length === nextOffsets.size
    ? group.maxWaitTime
    : Math.min(group.maxWaitTime, MAX_WAIT_WHILE_UNWANTED_MS);
  const partitions = wanted.map((partition) => ({
    partition,
    fetchOffset: nextOffsets.get(partition),
    maxBytes: maxBytesPerPartition,
  }));
  const { responses } = await broker.fetch({
    maxWaitTime: waitsHere ? 0 : maxWaitTime,
    minBytes,
    maxBytes,
    isolationLevel,
    rackId,
    topics: [{ topic, partitions }],
  });
  return responses[0]?.partitions ?? [];
}

function toFetched(
  { partition, messages }: PartitionAnswer,
  nextOffsets: ReadonlyMap<number, number>,
): FetchedPartition | null {
  const fetchedOffset = nextOffsets.get(partition);
  const last = messages.at(-1);
  if (fetchedOffset === undefined || last === undefined) return null;
  return {
    partition,
    fetchedOffset,
    // A broker sends whole batches: the first can begin before, and the last must not end there.
    nextOffset: Math.max(last.lastOffset + 1, fetchedOffset),
    records: messages.filter(({ isControlRecord }) => !isControlRecord),
  };
}

function isEmpty({ messages }: PartitionAnswer): boolean {
  return messages.length === 0;
}

function prefersOther({ preferredReadReplica = NO_REPLICA }: PartitionAnswer): boolean {
  return preferredReadReplica !== NO_REPLICA;
}

/** From the next turn on, the partition is fetched from that broker for a while. */
function notePreferredReplica(group: FetchingGroup, topic: string, answer: PartitionAnswer): void {
  const { partition, preferredReadReplica: nodeId = NO_REPLICA } = answer;
  if (nodeId === NO_REPLICA) return;
  const preferred = group.preferredReadReplicasPerTopicPartition[topic] ??= {};
  preferred[partition] = { nodeId, expireAt: Date.now() + group.metadataMaxAge };
}
