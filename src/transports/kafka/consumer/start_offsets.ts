import { isRefusal, reasonIn } from "../client/client_failure.ts";
import type { GroupMember } from "./group_member.ts";
import type { OffsetManager, PartitionOffset } from "../kafkajs/types.ts";
import { EARLIEST, fetchCommitted, listOffsets } from "./offset_requests.ts";

/** The member that offsets are looked up for. */
type StartingMember = Pick<GroupMember, "topic" | "troubles" | "resets">;

/**
 * Looks up unknown start offsets of an assignment: the committed offset, or else the first record. kafkajs looks up
 * none while one partition has no leader.
 *
 * @param isGivenUp whether the assignment has been given up since: then results do not count
 * @throws {Error} when the group's coordinator does not answer, or access is refused
 */
export async function findStartOffsets(
  assignment: OffsetManager,
  member: StartingMember,
  isGivenUp: () => boolean,
): Promise<void> {
  const { topic, troubles } = member;
  const isKnown = (partition: number) => assignment.committedOffsets()[topic]?.[partition];
  const pending = (assignment.memberAssignment[topic] ?? [])
    .filter((partition) => isKnown(partition) === undefined && !troubles.isPaused(partition));
  if (pending.length === 0) return;
  const { groupId } = assignment;
  const coordinator = await assignment.getCoordinator();
  const committed = await fetchCommitted(coordinator, { groupId, topic, partitions: pending });
  if (isGivenUp()) return;
  const isCommit = ({ offset }: PartitionOffset) => Number(offset) >= 0;
  note(assignment, topic, committed.filter(isCommit));
  const without = committed.filter((each) => !isCommit(each)).map(({ partition }) => partition);
  for (const partition of without) member.resets(partition);
  // Partitions without a leader are reported by each turn of fetching.
  const byLeader = Object.entries(assignment.cluster.findLeaderForPartitions(topic, without));
  await Promise.all(byLeader.map(async ([nodeId, partitions]) => {
    const first = await findFirstOffsets(assignment, member, { nodeId, partitions });
    if (!isGivenUp()) note(assignment, topic, first);
  }));
}

async function findFirstOffsets(
  assignment: OffsetManager,
  member: StartingMember,
  { nodeId, partitions }: { nodeId: string; partitions: readonly number[] },
): Promise<readonly PartitionOffset[]> {
  const { topic, troubles } = member;
  const asked = { nodeId, topic, partitions, timestamp: EARLIEST } as const;
  try {
    return await listOffsets(assignment.cluster, asked);
  } catch (error) {
    if (isRefusal(error)) throw error;
    if (partitions.length > 1 && Object(error).name === "KafkaJSProtocolError") {
      const found = await Promise.all(
        partitions.map((partition) =>
          findFirstOffsets(assignment, member, { nodeId, partitions: [partition] })
        ),
      );
      return found.flat();
    }
    const reason = `its broker does not return its first offset: ${reasonIn(error)}`;
    for (const partition of partitions) troubles.note(partition, { reason, isTransient: true });
    return [];
  }
}

function note(
  assignment: OffsetManager,
  topic: string,
  offsets: readonly PartitionOffset[],
): void {
  const known = assignment.committedOffsets()[topic] ??= {};
  for (const { partition, offset } of offsets) known[partition] ??= offset;
}
