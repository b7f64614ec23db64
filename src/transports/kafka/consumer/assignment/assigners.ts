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
import { type LedCluster, type LedTopics, ledTopicsOf } from "./led_topics.ts";
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

/** A member, as the coordinator describes it to the leader. */
export interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId?: string | null;
  readonly memberMetadata: Uint8Array | null;
}

interface JoiningCluster extends LedCluster {
  /** The partitions of a topic that this consumer subscribes to. */
  findTopicPartitionMetadata(topic: string): readonly unknown[];
}

/**
 * Creates an assigner for each of `names`, used while this member leads the group. kafkajs's own assigner gives all
 * members partitions of the leader's topics, whatever they subscribe to.
 */
export function createAssigners(
  names: readonly AssignmentStrategy[],
  { ledTopics, log }: { ledTopics: LedTopics; log: Logger },
): PartitionAssigner[] {
  return names.map((name) => ({ cluster }) => {
    const led = cluster as unknown as JoiningCluster;
    ledTopicsOf.set(led, ledTopics);
    return {
      name,
      version: 0,
      protocol({ topics }) {
        const counts = topics.map((topic) =>
          [topic, led.findTopicPartitionMetadata(topic).length] as const
        );
        return { name, metadata: encodeSubscription(new Map(counts)) as Buffer };
      },
      async assign({ members }) {
        const subscribers = members.map((member) => toSubscriber(member, log));
        const topics = subscribers.reduce(
          (all, { topics }) => all.union(topics),
          new Set<string>(),
        );
        const assignment = STRATEGIES[name](subscribers, await ledTopics.count(led, topics));
        // Includes members without partitions: Java's consumer fails without an assignment.
        return [...assignment].map(([memberId, partitions]) => ({
          memberId,
          memberAssignment: encodeAssignment(partitions) as Buffer,
        }));
      },
    };
  });
}

/** Decodes leaders' assignments. kafkajs's decoder accepts damaged ones, and loses a topic named `__proto__`. */
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
      `member '${memberId}' of the group does not say in a readable way which topics it subscribes to: it gets no ` +
        "partitions; look at the client that it runs",
    );
    return { memberId, instanceId: groupInstanceId, topics: new Set() };
  }
}
