import { reasonIn } from "../client/client_failure.ts";
import type { Logger } from "../../../core/log.ts";
import type { PartitionTroubles } from "../partition_troubles.ts";

/** Requests the first offset. As a committed offset it means "none", a convention of kafkajs. */
const EARLIEST = "-2";
const LATEST = "-1";

/** A requested offset, and the range of its partition. */
export interface OutOfRange {
  /** The requested offset, which has no record. */
  readonly offset: number;
  /** The offset of the first record. */
  readonly first: number;
  /** The offset of the next record to be stored. */
  readonly end: number;
  /** `auto.offset.reset` */
  readonly reset: "earliest" | "latest";
  /**
   * Whether the partition is known to have reached beyond its end: its topic was re-created, or its log truncated.
   * Otherwise the origin of the offset is unknown.
   */
  readonly wentFurther: boolean;
}

/** Where a partition continues. */
export interface NextPlace {
  readonly to: number;
  /** Completes the log line with the reason. */
  readonly because: string;
  /** The offset to commit first; null when the committed offset leads to the same place again. */
  readonly commit: string | null;
}

/** Where to continue; null when the offset is in range after all. */
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

/** The part of a joined kafkajs `ConsumerGroup` used here. */
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

/** The member that reads the partition. */
export interface ResetOptions {
  readonly topic: string;
  readonly reset: "earliest" | "latest";
  readonly troubles: PartitionTroubles;
  readonly log: Logger;
  /** Whether the assignment has been given up since. */
  readonly isGivenUp: () => boolean;
  /** Called before the partition's offset changes. */
  readonly resets: (partition: number) => void;
}

/**
 * Lets a partition continue elsewhere when its offset is out of range, and logs it. Commits at once when it goes back:
 * the next member would otherwise skip what is stored while no member runs.
 */
export async function leaveOutOfRange(
  group: ResettableGroup,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  options: ResetOptions,
): Promise<void> {
  const { topic, reset, troubles, log, isGivenUp, resets } = options;
  const replicas = group.preferredReadReplicasPerTopicPartition[topic];
  if (replicas?.[partition] !== undefined) {
    // A follower may lag, so the leader is asked next.
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

/** Brokers forget the committed offsets of a deleted topic. */
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
