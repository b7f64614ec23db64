import { reasonIn } from "../client/client_failure.ts";
import type { Logger } from "../../../core/log.ts";
import type { PartitionTroubles } from "../partition_troubles.ts";

/** Asks for the first offset. Committed, it says that no offset counts any more, as kafkajs has it. */
const EARLIEST = "-2";
const LATEST = "-1";

/** Where a partition was to be read, and what it has. */
export interface OutOfRange {
  /** The offset that it has no record at. */
  readonly offset: number;
  /** The offset of its first record. */
  readonly first: number;
  /** The offset of its next record. */
  readonly end: number;
  /** `auto.offset.reset` */
  readonly reset: "earliest" | "latest";
  /**
   * Whether the partition is known to have gone further than its end: its topic was created anew, or its log was cut
   * off. Otherwise nobody knows where the offset comes from.
   */
  readonly wentFurther: boolean;
}

/** Where to go on. */
export interface NextPlace {
  readonly to: number;
  /** Says of the place why it is the one. */
  readonly because: string;
  /** What the group is told before; null when it need not know: what it has committed leads to the same place again. */
  readonly commit: string | null;
}

/** Where to go on; null when the offset is in range after all. */
export function whereToGoOn(
  { offset, first, end, reset, wentFurther }: OutOfRange,
): NextPlace | null {
  if (offset >= first && offset <= end) return null;
  if (offset < first) {
    const because = `its first event now, as ${
      first - offset
    } offsets were deleted before they were read`;
    return { to: first, because, commit: null };
  }
  if (wentFurther) {
    const because = "its first event, as the topic was created anew or its end was cut off";
    return { to: first, because, commit: EARLIEST };
  }
  return reset === "earliest"
    ? { to: first, because: "its first event, as auto.offset.reset is earliest", commit: EARLIEST }
    : { to: end, because: "its end, as auto.offset.reset is latest", commit: `${end}` };
}

/** A group that was joined, as far as it is used here. */
export interface ResettableGroup {
  readonly groupId: string;
  readonly isolationLevel: number;
  readonly preferredReadReplicasPerTopicPartition: Record<string, Record<number, object>>;
  readonly cluster: {
    findLeaderForPartitions(
      topic: string,
      partitions: readonly number[],
    ): Readonly<Record<string, readonly number[]>>;
    findBroker(broker: { nodeId: string }): Promise<OffsetsBroker>;
  };
  readonly offsetManager: ResettableOffsets;
}

interface ResettableOffsets {
  getCoordinator(): Promise<{
    offsetFetch(request: object): Promise<Offsets>;
  }>;
  commitOffsets(offsets: object): Promise<void>;
  resolveOffset(place: { topic: string; partition: number; offset: string }): void;
}

interface OffsetsBroker {
  listOffsets(request: object): Promise<Offsets>;
}

interface Offsets {
  readonly responses: readonly {
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }[];
}

/** Whose partition it is. */
export interface ResetOptions {
  readonly topic: string;
  readonly reset: "earliest" | "latest";
  readonly troubles: PartitionTroubles;
  readonly log: Logger;
  /** Whether the assignment was given up meanwhile. */
  readonly isGivenUp: () => boolean;
  /** Told before its offset changes. */
  readonly resets: (partition: number) => void;
}

/**
 * Has a partition go on elsewhere when it has no record at an offset and none is to come there, and says so. The group is
 * told at once when it goes back: the next member would otherwise skip what is stored while none runs.
 */
export async function leaveOutOfRange(
  group: ResettableGroup,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  options: ResetOptions,
): Promise<void> {
  const { topic, reset, troubles, log, isGivenUp, resets } = options;
  const replicas = group.preferredReadReplicasPerTopicPartition[topic];
  if (replicas?.[partition] !== undefined) {
    // A follower can be behind. Its leader knows.
    delete replicas[partition];
    return;
  }
  try {
    const place = { topic, partition };
    const [first, end] = await Promise.all([
      listedOffset(group, place, EARLIEST),
      listedOffset(group, place, LATEST),
    ]);
    const wentFurther = troubles.hasWorked(partition) || !await hasCommitted(group, place);
    const next = whereToGoOn({ offset, first, end, reset, wentFurther });
    if (next === null || isGivenUp()) return;
    const { to, because, commit } = next;
    resets(partition);
    const { offsetManager } = group;
    if (commit !== null) {
      const topics = [{ topic, partitions: [{ partition, offset: commit }] }];
      await offsetManager.commitOffsets({ topics });
      if (isGivenUp()) return;
    }
    offsetManager.resolveOffset({ topic, partition, offset: `${to - 1}` });
    troubles.works(partition);
    log.error(
      `${topic}[${partition}] has no offset ${offset}, only ${first} to ${end}: group ` +
        `'${group.groupId}' goes on at offset ${to}, ${because}`,
    );
  } catch (error) {
    const reason = `it has no offset ${offset}, and where to go on is not known: ${
      reasonIn(error)
    }`;
    troubles.note(partition, { offset, reason, isPassing: true });
  }
}

async function listedOffset(
  { cluster, isolationLevel }: ResettableGroup,
  { topic, partition }: { topic: string; partition: number },
  timestamp: string,
): Promise<number> {
  const [nodeId = ""] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  const broker = await cluster.findBroker({ nodeId });
  const topics = [{ topic, partitions: [{ partition, timestamp }] }];
  return onlyOffset(await broker.listOffsets({ isolationLevel, topics }));
}

/** Brokers forget what groups have committed of a topic that is deleted. */
async function hasCommitted(
  { groupId, offsetManager }: ResettableGroup,
  { topic, partition }: { topic: string; partition: number },
): Promise<boolean> {
  const coordinator = await offsetManager.getCoordinator();
  const topics = [{ topic, partitions: [{ partition }] }];
  return onlyOffset(await coordinator.offsetFetch({ groupId, topics })) >= 0;
}

function onlyOffset({ responses }: Offsets): number {
  const offset = responses[0]?.partitions[0]?.offset;
  if (offset === undefined) throw new Error("the broker does not tell its offsets");
  return Number(offset);
}
