import type { Buffer } from "node:buffer";
import type { PartitionAssigner } from "kafkajs";
import type { Logger } from "../../../../core/log.ts";
import type { AssignmentStrategy } from "../../config/mod.ts";
import { decodeSubscription, encodeAssignment, encodeSubscription } from "./consumer_protocol.ts";
import type { LedCluster, LedTopics } from "./led_topics.ts";
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

/** A member as the coordinator tells the leader of it. */
interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId?: string | null;
  readonly memberMetadata: Uint8Array | null;
}

const ledTopicsByCluster = new WeakMap<object, LedTopics>();

/**
 * What shares a group's partitions when its member leads the group, one for each of `names`. kafkajs's own assigner gives
 * all members partitions of the leader's topics, whatever they subscribe to.
 */
export function createAssigners(
  names: readonly AssignmentStrategy[],
  { ledTopics, log }: { ledTopics: LedTopics; log: Logger },
): PartitionAssigner[] {
  return names.map((name) => ({ cluster }) => {
    const led = cluster as unknown as LedCluster;
    ledTopicsByCluster.set(led, ledTopics);
    return {
      name,
      version: 0,
      protocol: ({ topics }) => ({ name, metadata: encodeSubscription(topics) as Buffer }),
      async assign({ members }) {
        const subscribers = members.map((member) => toSubscriber(member, log));
        const topics = subscribers.reduce(
          (all, { topics }) => all.union(topics),
          new Set<string>(),
        );
        const assignment = STRATEGIES[name](subscribers, await ledTopics.count(led, topics));
        // Also for those without partitions: Java's consumer fails when it is told nothing.
        return [...assignment].map(([memberId, partitions]) => ({
          memberId,
          memberAssignment: encodeAssignment(partitions) as Buffer,
        }));
      },
    };
  });
}

/** The topics of the groups that a consumer leads, by its client for the cluster. */
export function ledTopicsOf(cluster: object): LedTopics | undefined {
  return ledTopicsByCluster.get(cluster);
}

/** A member whose words nobody can read costs the others nothing. */
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
      `member '${memberId}' of the group does not say in a readable way which topics it subscribes to: it gets no ` +
        "partitions; look at the client that it runs",
    );
    return { memberId, instanceId: groupInstanceId, topics: new Set() };
  }
}
