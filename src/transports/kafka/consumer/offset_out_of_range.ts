import { reasonIn } from "../client/client_failure.ts";
import type { GroupMember } from "./group_member.ts";
import type { ConsumerGroup, PartitionOffset } from "../kafkajs/types.ts";
import { EARLIEST, fetchCommitted, LATEST, listOffsets } from "./offset_requests.ts";

/** A requested offset, and the range of its partition. */
export interface OutOfRange {
  /** The requested offset, which has no record. */
  readonly offset: number;
  /** The offset of the first record. */
  readonly first: number;
  /** The offset of the next record to be stored. */
  readonly end: number;
  readonly reset: GroupMember["offsetReset"];
  /**
   * Whether the partition is known to have had higher offsets: its topic was re-created, or its log truncated. Otherwise
   * the origin of the offset is unknown.
   */
  readonly wentFurther: boolean;
}

/** Where a partition continues. */
export interface Continuation {
  readonly to: number;
  /** Completes the log line with the reason. */
  readonly because: string;
  /** The offset to commit first; null when the committed offset leads to the same place again. */
  readonly commit: string | null;
}

/** Where to continue; null when the offset is in range after all. */
export function whereToContinue(
  { offset, first, end, reset, wentFurther }: OutOfRange,
): Continuation | null {
  if (offset >= first && offset <= end) return null;
  if (offset < first) {
    const because = `its first event now, as ${
      first - offset
    } offsets were deleted before they were read`;
    return { to: first, because, commit: null };
  }
  if (wentFurther) {
    const because = "its first event, as the topic was re-created or truncated";
    return { to: first, because, commit: EARLIEST };
  }
  return reset === "earliest"
    ? { to: first, because: "its first event, as auto.offset.reset is earliest", commit: EARLIEST }
    : { to: end, because: "its end, as auto.offset.reset is latest", commit: `${end}` };
}

/**
 * Lets a partition continue elsewhere when its offset is out of range, and logs it. If the group's offset lies
 * beyond the end, commits the new one at once. Without that commit, the old offset would be in range again once enough
 * records are stored, and a member that starts then would skip the records below it.
 *
 * @param isGivenUp whether the assignment has been given up since
 */
export async function leaveOutOfRange(
  group: ConsumerGroup,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  member: Pick<GroupMember, "topic" | "offsetReset" | "troubles" | "log" | "resets">,
  isGivenUp: () => boolean,
): Promise<void> {
  const { topic, offsetReset: reset, troubles, log } = member;
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
    const next = whereToContinue({ offset, first, end, reset, wentFurther });
    if (next === null || isGivenUp()) return;
    const { to, because, commit } = next;
    member.resets(partition);
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
        `'${group.groupId}' continues at offset ${to}, ${because}`,
    );
  } catch (error) {
    const reason = `it has no offset ${offset}, and the offset to continue at is unknown: ${
      reasonIn(error)
    }`;
    troubles.note(partition, { offset, reason, isTransient: true });
  }
}

async function listedOffset(
  { cluster, isolationLevel }: ConsumerGroup,
  { topic, partition }: { topic: string; partition: number },
  timestamp: typeof EARLIEST | typeof LATEST,
): Promise<number> {
  const partitions = [partition];
  const [nodeId = ""] = Object.keys(cluster.findLeaderForPartitions(topic, partitions));
  const asked = { nodeId, topic, partitions, timestamp, isolationLevel };
  return onlyOffset(await listOffsets(cluster, asked));
}

/** Brokers forget the committed offsets of a deleted topic. */
async function hasCommitted(
  { groupId, offsetManager }: ConsumerGroup,
  { topic, partition }: { topic: string; partition: number },
): Promise<boolean> {
  const coordinator = await offsetManager.getCoordinator();
  const partitions = [partition];
  return onlyOffset(await fetchCommitted(coordinator, { groupId, topic, partitions })) >= 0;
}

function onlyOffset([only]: readonly PartitionOffset[]): number {
  if (only === undefined) throw new Error("the broker does not return its offsets");
  return Number(only.offset);
}
