import type { Buffer } from "node:buffer";
import type { PartitionAssigner } from "kafkajs";
import type { Logger } from "../../../../core/log.ts";
import type { AssignmentStrategy } from "../../config/mod.ts";
import {
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../kafkajs/consumer_protocol.ts";
import type { JoinResponse } from "../../kafkajs/consumers.ts";
import type { Cluster } from "../../kafkajs/types.ts";
import {
  assignByRange,
  assignByRoundRobin,
  type GroupSubscriber,
  type Strategy,
} from "./strategies.ts";

const STRATEGIES: Readonly<Record<AssignmentStrategy, Strategy>> = {
  range: assignByRange,
  roundrobin: assignByRoundRobin,
};

type JoinedMember = JoinResponse["members"][number];

/** Announces strategies to the group. kafkajs never learns that it leads: {@linkcode assignPartitions} then assigns. */
export function createAssigners(names: readonly AssignmentStrategy[]): PartitionAssigner[] {
  return names.map((name) => ({ cluster }) => ({
    name,
    version: 0,
    protocol({ topics }) {
      const joining = cluster as unknown as Cluster;
      const counts = topics.map((topic) =>
        [topic, joining.findTopicPartitionMetadata(topic).length] as const
      );
      return { name, metadata: encodeSubscription(new Map(counts)) as Buffer };
    },
    assign: () => Promise.resolve([]),
  }));
}

/**
 * What a leader gives to each member. kafkajs's own assigner gives all members partitions of the leader's topics,
 * whatever they subscribe to.
 *
 * @param strategy what the coordinator has chosen of the strategies that all members announce
 */
export async function assignPartitions(
  strategy: string,
  members: readonly JoinedMember[],
  { count, log }: {
    count: (topics: ReadonlySet<string>) => Promise<ReadonlyMap<string, number>>;
    log: Logger;
  },
): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
  const subscribers = members.map((member) => toSubscriber(member, log));
  const topics = new Set(subscribers.flatMap(({ topics }) => [...topics]));
  const assign = STRATEGIES[strategy as AssignmentStrategy];
  // Includes members without partitions: Java's consumer fails without an assignment.
  return [...assign(subscribers, await count(topics))].map(([memberId, partitions]) => ({
    memberId,
    memberAssignment: encodeAssignment(partitions) as Buffer,
  }));
}

/** A member with an unreadable subscription gets no partitions; the others are not affected. */
function toSubscriber(
  { memberId, groupInstanceId = null, memberMetadata }: JoinedMember,
  log: Logger,
): GroupSubscriber {
  try {
    const topics = decodeSubscription(memberMetadata ?? new Uint8Array(0));
    return { memberId, instanceId: groupInstanceId, topics };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    log.warn(
      `the subscription of member '${memberId}' cannot be read: it gets no partitions; check which client it runs`,
    );
    return { memberId, instanceId: groupInstanceId, topics: new Set() };
  }
}
