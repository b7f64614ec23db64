import type { Buffer } from "node:buffer";
import type { PartitionAssigner } from "kafkajs";
import { MemberAssignment } from "kafkajs/src/consumer/assignerProtocol.js";
import type { Logger } from "../../../../core/log.ts";
import type { AssignmentStrategy } from "../../config/mod.ts";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "./consumer_protocol.ts";
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

/**
 * Has a leader join anew when topics of its members have changed. kafkajs looks for new partitions of the topics that it
 * subscribes to itself, and for no others.
 *
 * @throws {Error} which makes kafkajs join anew, and assign what there is now
 */
export async function checkLedTopics(
  group: { readonly cluster: LedCluster; isLeader(): boolean },
): Promise<void> {
  const ledTopics = ledTopicsByCluster.get(group.cluster);
  if (ledTopics === undefined) return;
  if (!group.isLeader()) return ledTopics.noLongerLed();
  if (!(await ledTopics.haveChanged(group.cluster))) return;
  const reason = "Topics of other members of the group have changed";
  throw Object.assign(new Error(reason), { name: "KafkaJSStaleTopicMetadataAssignment" });
}

/** Reads assignments of all leaders. kafkajs's own reader takes damaged ones as they come, and some topics for none. */
export function readAssignments(): void {
  MemberAssignment.decode = (bytes: Uint8Array | null) => {
    try {
      return { assignment: Object.fromEntries(decodeAssignment(bytes)) };
    } catch (cause) {
      const reason = "The assignment by the group's leader cannot be read";
      throw Object.assign(new Error(reason, { cause }), { type: "UNREADABLE_ASSIGNMENT" });
    }
  };
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
