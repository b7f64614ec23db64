import { sleep } from "../../../core/backoff.ts";
import { fetchingBatches } from "../kafkajs/fetch_response.ts";
import type { GroupMember } from "./group_member.ts";
import type { Broker, ConsumerGroup, PartitionResponse } from "../kafkajs/types.ts";
import { contentOf, isOutOfRange, NO_REPLICA } from "./partition_response.ts";

/**
 * How long a turn of fetching lasts before kafkajs sends heartbeats, looks for new partitions, and may stop. This work
 * takes longer than a fetch, so it does not run after each one.
 */
const TURN_MS = 100;

/**
 * Used while a partition wants no records. A broker may delay a fetch for the other partitions by this much. A turn with
 * nothing to fetch waits this long for a partition to want records.
 */
const MAX_WAIT_WHILE_UNWANTED_MS = 50;

/** Number of consecutive responses that a broker sent empty before the fetch's maximum wait was over. */
const emptyResponses = new WeakMap<Broker, number>();

/** Which broker to fetch from, and who handles the responses. */
export interface FetchOptions {
  /** Id of the broker to fetch from. */
  readonly nodeId: string;
  /** Whether the assignment has been given up since. */
  readonly isGivenUp: () => boolean;
  readonly member: Pick<GroupMember, "demand" | "troubles" | "wantsMore" | "take">;
  /** Called for an offset out of range: no record is there, and none will come. Not awaited. */
  readonly outOfRange: (partition: number, offset: number) => void;
  /** Called when the known partition leaders may be outdated. */
  readonly noteStale: () => void;
}

/** A turn of fetching the assigned partitions that a broker serves. */
interface Turn extends FetchOptions {
  readonly group: ConsumerGroup;
  readonly broker: Broker;
  readonly topic: string;
  /** Next fetch offset by partition. */
  readonly nextOffsets: Map<number, number>;
}

/** A fetch response, reduced to the requested partitions. */
interface FetchResult {
  readonly received: readonly PartitionResponse[];
  /** Requested partitions that the response lacks. */
  readonly missing: readonly number[];
  /** Whether a quota is exceeded: brokers then leave out all partitions. */
  readonly isThrottled: boolean;
  readonly areEmpty: boolean;
  /** Milliseconds left of the fetch's maximum wait. */
  readonly restMs: number;
}

/**
 * Fetches from one broker for a turn. Does without kafkajs's queues, which take as long for a fetch as all other work
 * for it. A partition that cannot be read pauses alone; the others continue.
 *
 * @throws {Error} a failed fetch, with the `type` or `name` by which kafkajs recovers
 */
export async function fetchForAWhile(group: ConsumerGroup, options: FetchOptions): Promise<void> {
  const { nodeId, isGivenUp, member } = options;
  const { demand, troubles } = member;
  const partitions = partitionsAt(group, nodeId);
  if (partitions === null) return await sleep(group.maxWaitTime);
  const { nextOffsets } = partitions;
  const broker = await group.cluster.findBroker({ nodeId });
  const turn = { ...options, ...partitions, group, broker };
  const endMs = performance.now() + TURN_MS;
  do {
    const { nextRise, risesSoon } = demand;
    const readable = [...nextOffsets].filter(([partition]) => !troubles.isPaused(partition));
    const wanted = readable
      .filter(([partition, nextOffset]) => !isGivenUp() && member.wantsMore(partition, nextOffset))
      .map(([partition]) => partition);
    const areAllWanted = wanted.length === readable.length;
    // While a broker waits for records, it takes no other request of this connection.
    const waitsHere = wanted.length === 0 || risesSoon && !areAllWanted;
    const maxWaitMs = areAllWanted
      ? group.maxWaitTime
      : Math.min(group.maxWaitTime, MAX_WAIT_WHILE_UNWANTED_MS);
    const fetched = await fetchOnce(turn, wanted, waitsHere ? 0 : maxWaitMs);
    if (isGivenUp()) return;
    takeResponses(turn, fetched);
    if (fetched.received.some(prefersOther)) return;
    await backOff(broker, fetched);
    if (waitsHere && fetched.areEmpty) {
      await sleep(MAX_WAIT_WHILE_UNWANTED_MS, nextRise);
      if (!nextRise.aborted) return;
    }
  } while (performance.now() < endMs);
}

/** The assigned partitions to fetch from a broker; null when there are none. */
function partitionsAt(
  group: ConsumerGroup,
  nodeId: string,
): Pick<Turn, "topic" | "nextOffsets"> | null {
  const { offsetManager } = group;
  const [atBroker] = group.filterPartitionsByNode(nodeId, group.assigned());
  if (atBroker === undefined) return null;
  const { topic, partitions } = atBroker;
  const committed = offsetManager.committedOffsets()[topic];
  const nextOffsets = new Map<number, number>();
  for (const partition of partitions) {
    // Another broker's turn may still be looking up where the partition begins.
    if (committed?.[partition] === undefined) continue;
    nextOffsets.set(partition, Number(offsetManager.nextOffset(topic, partition)));
  }
  return nextOffsets.size === 0 ? null : { topic, nextOffsets };
}

async function fetchOnce(
  { group, broker, topic, nextOffsets }: Turn,
  wanted: readonly number[],
  maxWaitMs: number,
): Promise<FetchResult> {
  const { minBytes, maxBytes, maxBytesPerPartition, isolationLevel, rackId } = group;
  const partitions = wanted.map((partition) => ({
    partition,
    fetchOffset: nextOffsets.get(partition),
    maxBytes: maxBytesPerPartition,
  }));
  const topics = [{ topic, partitions }];
  const request = { maxWaitTime: maxWaitMs, minBytes, maxBytes, isolationLevel, rackId, topics };
  const startMs = performance.now();
  const response = wanted.length === 0 ? null : await fetchingBatches(broker).fetch(request);
  const restMs = maxWaitMs - (performance.now() - startMs);
  const sent = response?.responses.find(({ topicName }) => topicName === topic)?.partitions ?? [];
  // Ignores partitions that were not requested.
  const received = wanted.flatMap((partition) =>
    sent.find((response) => response.partition === partition) ?? []
  );
  const responded = new Set(received.map(({ partition }) => partition));
  const missing = wanted.filter((partition) => !responded.has(partition));
  const areEmpty = received.every(({ messages }) => messages.length === 0);
  const isThrottled = (response?.clientSideThrottleTime ?? 0) > 0;
  return { received, missing, isThrottled, areEmpty, restMs };
}

/**
 * Backs off when a broker sends an empty response before the maximum wait is over. One such response may mean that
 * something has changed; a series must not keep both sides busy. Pauses double from 1 ms.
 */
async function backOff(broker: Broker, { areEmpty, restMs }: FetchResult): Promise<void> {
  // Allows for inexact clocks and timers.
  if (!areEmpty || restMs < MAX_WAIT_WHILE_UNWANTED_MS / 2) {
    emptyResponses.delete(broker);
    return;
  }
  const times = emptyResponses.get(broker) ?? 0;
  emptyResponses.set(broker, times + 1);
  await sleep(Math.min(2 ** times, restMs));
}

function takeResponses(
  turn: Turn,
  { received, missing, isThrottled, areEmpty }: FetchResult,
): void {
  const { group: { isolationLevel, offsetManager }, topic, nextOffsets, member } = turn;
  const { troubles } = member;
  for (const partition of missing) {
    const reason = isThrottled
      ? "its broker sends nothing while the client exceeds a quota"
      : "its broker's response does not contain it";
    troubles.note(partition, { offset: nextOffsets.get(partition), reason, isTransient: true });
  }
  const isAlone = areEmpty && received.every(({ errorCode }) => errorCode === 0);
  let isStale = missing.length > 0;
  for (const response of received) {
    const { partition } = response;
    const fetchedOffset = nextOffsets.get(partition);
    if (fetchedOffset === undefined) continue;
    notePreferredReplica(turn, response);
    const asked = { fetchedOffset, isolationLevel, isAlone };
    const { fetched, trouble } = contentOf(response, asked);
    if (fetched !== null) {
      const { nextOffset } = fetched;
      nextOffsets.set(partition, nextOffset);
      offsetManager.resolveOffset({ topic, partition, offset: `${nextOffset - 1}` });
      member.take(fetched);
    }
    if (trouble === null) troubles.works(partition);
    else {
      troubles.note(partition, trouble);
      isStale ||= trouble.isTransient;
    }
    if (isOutOfRange(response)) {
      // The next turn knows the offset to continue at.
      nextOffsets.delete(partition);
      turn.outOfRange(partition, fetchedOffset);
    }
  }
  if (isStale) turn.noteStale();
}

function prefersOther({ preferredReadReplica = NO_REPLICA }: PartitionResponse): boolean {
  return preferredReadReplica !== NO_REPLICA;
}

/**
 * From the next turn on, fetches the partition from its preferred replica (KIP-392) until `metadataMaxAge` is over.
 * Ignores an unknown broker, from which nothing would be fetched.
 */
function notePreferredReplica(
  { group, topic, nodeId: askedNodeId }: Turn,
  { partition, preferredReadReplica: nodeId = NO_REPLICA }: PartitionResponse,
): void {
  const id = `${nodeId}`;
  if (id === askedNodeId || !group.cluster.getNodeIds().includes(id)) return;
  const preferred = group.preferredReadReplicasPerTopicPartition[topic] ??= {};
  preferred[partition] = { nodeId, expireAt: Date.now() + group.metadataMaxAge };
}
