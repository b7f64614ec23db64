import { decodeSubscription } from "../kafkajs/consumer_protocol.ts";
import { refusalOf } from "./group_errors.ts";
import type { ConsumerGroup, GroupDescription } from "../kafkajs/types.ts";

type DescribableGroup = Pick<ConsumerGroup, "groupId" | "assigners" | "coordinator">;

/** Why a group refuses a member, and the cure. */
export async function describeRefusal(group: DescribableGroup, error: unknown): Promise<string> {
  const { groupId } = group;
  switch (refusalOf(error)) {
    case "GROUP_MAX_SIZE_REACHED":
      return `group '${groupId}' has as many members as its broker allows: stop one, or raise ` +
        "'group.max.size' of the brokers";
    case "UNREADABLE_ASSIGNMENT":
      return `the leader of group '${groupId}' has sent an assignment that cannot be read: look at ` +
        "its other members, and give this pipeline a group.id of its own";
    default:
      return describeOtherProtocol(group, await describe(group));
  }
}

/**
 * Number of members that subscribe to a topic, or of all members while the group rebalances. Null when unknown, as for
 * groups of KIP-848.
 */
export async function countSubscribers(
  group: DescribableGroup,
  topic: string,
): Promise<number | null> {
  const description = await describe(group);
  if (description === null) return null;
  const { members } = description;
  const subscribers = members.filter(({ memberMetadata }) => subscribes(memberMetadata, topic));
  return subscribers.length || members.length || null;
}

function describeOtherProtocol(
  { groupId, assigners }: DescribableGroup,
  description: GroupDescription | null,
): string {
  const offered = assigners.map(({ name }) => `'${name}'`).join(" and ");
  const stopOrLeave = "stop them, or give this pipeline another group.id";
  if (description === null) {
    return `the members of group '${groupId}' share no protocol with this member, which offers ${offered}; ` +
      `the broker does not say what they use: ${stopOrLeave}`;
  }
  const { protocolType, protocol, members } = description;
  if (members.length === 0) {
    return `group '${groupId}' is not of the classic protocol, but of the one of KIP-848 or a share group: ` +
      `set group.protocol=classic for its members, ${stopOrLeave}`;
  }
  if (protocolType !== "" && protocolType !== "consumer") {
    return `group '${groupId}' is one of protocol type '${protocolType}', not of consumers: give this ` +
      "pipeline another group.id";
  }
  const strategy = protocol === "" ? "by another strategy" : `by '${protocol}'`;
  const count = members.length === 1 ? "1 member" : `${members.length} members`;
  return `group '${groupId}' (${count}) shares partitions ${strategy}, and this member offers ${offered}: add one of ` +
    `these to the partition.assignment.strategy of all members, ${stopOrLeave}`;
}

async function describe(
  { groupId, coordinator }: DescribableGroup,
): Promise<GroupDescription | null> {
  try {
    const answer = await coordinator?.describeGroups({ groupIds: [groupId] });
    return answer?.groups[0] ?? null;
  } catch {
    // The description only adds details: the caller can do without.
    return null;
  }
}

function subscribes(metadata: Uint8Array | null, topic: string): boolean {
  try {
    return decodeSubscription(metadata ?? new Uint8Array(0)).has(topic);
  } catch {
    return false;
  }
}
