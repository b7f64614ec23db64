import { sleep } from "../../../core/backoff.ts";
import type { FetchDemand } from "./fetch_demand.ts";
import {
  contentOf,
  type FetchedPartition,
  NO_REPLICA,
  type PartitionAnswer,
} from "./partition_answer.ts";
import type { PartitionTroubles } from "../partition_troubles.ts";

/**
 * How long to fetch before kafkajs has its turn, which sends heartbeats, looks for new partitions, and ends. What it
 * does between two fetches takes longer than they do.
 */
const TURN_MS = 100;

/** How long a fetch may wait for records while another partition is not wanted, and kafkajs while none is. */
const MAX_WAIT_WHILE_UNWANTED_MS = 50;

/** How often in a row a broker has sent nothing without waiting for anything to come. */
const hasteOf = new WeakMap<Broker, number>();

/** Whom to fetch for. */
export interface FetchOptions {
  /** The broker to ask. */
  readonly nodeId: string;
  /** Whether the assignment that is fetched for was given up meanwhile. */
  readonly isGivenUp: () => boolean;
  /** Whether more of a partition should be fetched, from where the next fetch would begin. */
  readonly wantsMore: (partition: number, nextOffset: number) => boolean;
  readonly demand: FetchDemand;
  /** Learns of partitions that cannot be read, and says how long each is left out. */
  readonly troubles: PartitionTroubles;
  /** Told that a partition has no record at an offset, and none is to come there. Not waited for. */
  readonly outOfRange: (partition: number, offset: number) => void;
  /** Told that brokers may lead other partitions than is known. */
  readonly noteStale: () => void;
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
  readonly cluster: {
    findBroker(node: { nodeId: string }): Promise<Broker>;
    /** Of the brokers that are known. */
    getNodeIds(): readonly string[];
  };
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
  fetch(request: object): Promise<{
    readonly clientSideThrottleTime?: number;
    readonly responses: readonly {
      readonly topicName: string;
      readonly partitions: readonly PartitionAnswer[];
    }[];
  }>;
}

/** What one fetch brings of the partitions that were asked for. */
interface Answers {
  readonly answers: readonly PartitionAnswer[];
  /** Those that the broker should have answered for and did not. */
  readonly leftOut: readonly number[];
  /** Whether more was had than a quota allows: then brokers leave all partitions out. */
  readonly isThrottled: boolean;
  readonly areEmpty: boolean;
  /** How long the broker should still have waited for records if it has sent none. */
  readonly restMs: number;
}

const NO_ANSWERS: Answers = {
  answers: [],
  leftOut: [],
  isThrottled: false,
  areEmpty: true,
  restMs: 0,
};

/**
 * Fetches from one broker again and again, until kafkajs should have its turn. kafkajs's own queues take as long for
 * each fetch as everything else does, so what is fetched passes them by. A partition that cannot be read is left out for
 * a while, and the others do not wait for it.
 *
 * @throws {Error} as kafkajs fails when a fetch does, with a `type` or a `name` that tells how to recover
 */
export async function fetchForAWhile(group: FetchingGroup, options: FetchOptions): Promise<void> {
  const { nodeId, isGivenUp, wantsMore, demand, troubles } = options;
  const partitions = await brokerPartitions(group, nodeId);
  if (partitions === null) return await sleep(group.maxWaitTime);
  const { nextOffsets } = partitions;
  const endMs = performance.now() + TURN_MS;
  do {
    const { nextRise, risesSoon } = demand;
    const readable = [...nextOffsets].filter(([partition]) => !troubles.isPaused(partition));
    const wanted = readable
      .filter(([partition, nextOffset]) => wantsMore(partition, nextOffset))
      .map(([partition]) => partition);
    const areAllWanted = wanted.length === readable.length;
    // A broker that waits for records takes no other request meanwhile.
    const waitsHere = wanted.length === 0 || risesSoon && !areAllWanted;
    const maxWaitMs = areAllWanted
      ? group.maxWaitTime
      : Math.min(group.maxWaitTime, MAX_WAIT_WHILE_UNWANTED_MS);
    const fetched = await fetchOnce(group, partitions, {
      wanted,
      maxWaitMs: waitsHere ? 0 : maxWaitMs,
    });
    if (isGivenUp()) return;
    takeAnswers(fetched, { group, partitions, options });
    if (fetched.answers.some(prefersOther)) return;
    await calmDown(partitions.broker, fetched);
    if (waitsHere && fetched.areEmpty) {
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
  { wanted, maxWaitMs }: { wanted: readonly number[]; maxWaitMs: number },
): Promise<Answers> {
  if (wanted.length === 0) return NO_ANSWERS;
  const { minBytes, maxBytes, maxBytesPerPartition, isolationLevel, rackId } = group;
  const partitions = wanted.map((partition) => ({
    partition,
    fetchOffset: nextOffsets.get(partition),
    maxBytes: maxBytesPerPartition,
  }));
  const startMs = performance.now();
  const { responses, clientSideThrottleTime = 0 } = await broker.fetch({
    maxWaitTime: maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel,
    rackId,
    topics: [{ topic, partitions }],
  });
  const came = responses.find(({ topicName }) => topicName === topic)?.partitions ?? [];
  // Whatever else is in a response was not asked for.
  const answers = wanted.flatMap((partition) =>
    came.find((answer) => answer.partition === partition) ?? []
  );
  const areEmpty = answers.every(isEmpty);
  const answered = new Set(answers.map(({ partition }) => partition));
  const leftOut = wanted.filter((partition) => !answered.has(partition));
  const isThrottled = clientSideThrottleTime > 0;
  return {
    answers,
    leftOut,
    isThrottled,
    areEmpty,
    restMs: maxWaitMs - (performance.now() - startMs),
  };
}

/**
 * Waits when a broker has sent nothing before the time was over, longer each time in a row: it may do so when something
 * has changed, but not again and again.
 */
async function calmDown(broker: Broker, { areEmpty, restMs }: Answers): Promise<void> {
  // Clocks and timers are not exact.
  if (!areEmpty || restMs < MAX_WAIT_WHILE_UNWANTED_MS / 2) {
    hasteOf.delete(broker);
    return;
  }
  const times = hasteOf.get(broker) ?? 0;
  hasteOf.set(broker, times + 1);
  await sleep(Math.min(2 ** times, restMs));
}

function takeAnswers(
  { answers, leftOut, isThrottled, areEmpty }: Answers,
  { group, partitions: { topic, nextOffsets }, options }: {
    group: FetchingGroup;
    partitions: BrokerPartitions;
    options: FetchOptions;
  },
): void {
  const { troubles, outOfRange, noteStale, take } = options;
  const { isolationLevel, offsetManager } = group;
  for (const partition of leftOut) {
    const reason = isThrottled
      ? "its broker sends nothing while more was had than a quota allows"
      : "its broker's answer leaves it out";
    troubles.note(partition, { offset: nextOffsets.get(partition), reason, isPassing: true });
  }
  const isAlone = areEmpty && answers.every(({ errorCode }) => errorCode === 0);
  let isStale = leftOut.length > 0;
  for (const answer of answers) {
    const { partition } = answer;
    const fetchedOffset = nextOffsets.get(partition);
    if (fetchedOffset === undefined) continue;
    notePreferredReplica(group, answer, { topic, askedNodeId: options.nodeId });
    const asked = { fetchedOffset, isolationLevel, isAlone };
    const { fetched, trouble, isOutOfRange } = contentOf(answer, asked);
    if (fetched !== null) {
      const { nextOffset } = fetched;
      nextOffsets.set(partition, nextOffset);
      offsetManager.resolveOffset({ topic, partition, offset: `${nextOffset - 1}` });
      take(fetched);
    }
    if (trouble === null) troubles.works(partition);
    else {
      troubles.note(partition, trouble);
      isStale ||= trouble.isPassing;
    }
    if (isOutOfRange) {
      // Where it goes on is known in the next turn.
      nextOffsets.delete(partition);
      outOfRange(partition, fetchedOffset);
    }
  }
  if (isStale) noteStale();
}

function isEmpty({ messages }: PartitionAnswer): boolean {
  return messages.length === 0;
}

function prefersOther({ preferredReadReplica = NO_REPLICA }: PartitionAnswer): boolean {
  return preferredReadReplica !== NO_REPLICA;
}

/**
 * From the next turn on, the partition is fetched from that broker for a while. From one that is not known, nothing
 * would be fetched.
 */
function notePreferredReplica(
  group: FetchingGroup,
  { partition, preferredReadReplica: nodeId = NO_REPLICA }: PartitionAnswer,
  { topic, askedNodeId }: { topic: string; askedNodeId: string },
): void {
  const id = `${nodeId}`;
  if (id === askedNodeId || !group.cluster.getNodeIds().includes(id)) return;
  const preferred = group.preferredReadReplicasPerTopicPartition[topic] ??= {};
  preferred[partition] = { nodeId, expireAt: Date.now() + group.metadataMaxAge };
}
