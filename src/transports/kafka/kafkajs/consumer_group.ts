import { MemberAssignment } from "kafkajs/src/consumer/assignerProtocol.js";
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import { decodeAssignment } from "./consumer_protocol.ts";
import { consumerOf } from "./consumers.ts";
import { replacement } from "./replacement.ts";

/** The members of kafkajs's ConsumerGroup used here. */
interface Group {
  readonly groupId: string;
  recoverFromFetch(error: unknown): Promise<void>;
}

const { fetch, heartbeat, joinAndSync } = ConsumerGroup.prototype;

export const CONSUMER_GROUP = replacement("ConsumerGroup", ConsumerGroup.prototype, {
  /**
   * kafkajs reports lost partitions only after joining, may join twice at a time, and ends a consumer that the group
   * refuses.
   */
  joinAndSync(this: Group): Promise<void> {
    const join = (): Promise<void> => joinAndSync.call(this);
    return consumerOf(this)?.join(this, join) ?? join();
  },

  /** kafkajs treats a fenced member like any rebalance, and goes on asking a coordinator that has left the cluster. */
  heartbeat(this: Group, options: { interval: number }): Promise<void> {
    const send = (): Promise<void> => heartbeat.call(this, options);
    return consumerOf(this)?.heartbeat(this, send) ?? send();
  },

  /** kafkajs's queues take as long as fetching, and one failure stops all fetches. */
  async fetch(this: Group, nodeId: string): Promise<object[]> {
    const consumer = consumerOf(this);
    if (consumer === undefined) return await fetch.call(this, nodeId);
    try {
      await consumer.fetch(this, nodeId);
    } catch (error) {
      await this.recoverFromFetch(error);
    }
    // kafkajs sees an empty fetch, and sends a heartbeat when one is due.
    return [];
  },
});

export const MEMBER_ASSIGNMENT = replacement("MemberAssignment", MemberAssignment, {
  /** kafkajs accepts damaged assignments, and loses a topic named `__proto__`. */
  decode(bytes: Uint8Array | null): object {
    try {
      return { assignment: Object.fromEntries(decodeAssignment(bytes)) };
    } catch (cause) {
      const reason = "The assignment by the group's leader cannot be read";
      throw Object.assign(new Error(reason, { cause }), { type: "UNREADABLE_ASSIGNMENT" });
    }
  },
});
