import { atMost } from "../../../core/backoff.ts";
import { isFinal, isRefusal, reasonIn } from "../client/client_failure.ts";
import { fetchForAWhile } from "./group_fetches.ts";
import type { GroupMember } from "./group_member.ts";
import type { ConsumerGroup } from "../kafkajs/types.ts";
import { leaveOutOfRange } from "./offset_out_of_range.ts";
import { findStartOffsets } from "./start_offsets.ts";

/**
 * How much longer a turn may last than a fetch's maximum wait. A broker that does not answer must delay neither
 * heartbeats nor other brokers' fetches; its turn continues in the background.
 */
const OVERTIME_MS = 500;

/** How long a turn waits for start offsets. Then it fetches the partitions whose offsets are known. */
const START_MS = 200;

/** Pause before a failed look-up of start offsets is repeated. */
const ASK_AGAIN_MS = 1000;

/** Minimum interval between refreshes of outdated metadata. */
const MIN_REFRESH_MS = 250;

/** Refresh interval of a member without partitions: no fetch tells it that its topic is gone. */
const IDLE_REFRESH_MS = 5000;

/** Minimum interval between rejoins for changed partitions, in case a topic seems to change all the time. */
const MIN_REJOIN_MS = 5000;

const TOPIC_GONE = "the topic does not exist any more";

interface Turn {
  readonly assignment: object;
  readonly done: Promise<void>;
}

/**
 * Fetches for a group member, so that a failing broker or partition delays nothing else. Only errors that concern all
 * partitions reject, as kafkajs then stops all fetches.
 */
export class MemberFetches {
  readonly #group: ConsumerGroup;
  readonly #member: GroupMember;
  readonly #turns = new Map<string, Turn>();
  #search: Turn | null = null;
  #searchAgainMs = 0;
  #isRefreshing = false;
  #isStale = false;
  #refreshAgainMs = 0;
  #isTopicGone = false;
  #refusal: unknown = null;
  #staleSinceMs = -Infinity;

  constructor(group: ConsumerGroup, member: GroupMember) {
    this.#group = group;
    this.#member = member;
  }

  /**
   * Fetches from one broker for a turn, and returns soon after even if the broker does not answer.
   *
   * @param isGivenUp whether the group's current assignment has been given up since
   * @throws {Error} a refusal, or an error that makes the member rejoin
   */
  async turn(nodeId: string, isGivenUp: () => boolean): Promise<void> {
    this.#refresh();
    if (this.#refusal !== null) throw this.#refusal;
    this.#checkForNewPartitions();
    await this.#findStart(isGivenUp);
    if (isGivenUp()) return;
    this.#noteLeaderless();
    const { offsetManager: assignment, maxWaitTime } = this.#group;
    const running = this.#turns.get(nodeId);
    const turn = running?.assignment === assignment ? running.done : this.#begin(nodeId, isGivenUp);
    await atMost(turn, maxWaitTime + OVERTIME_MS);
  }

  #begin(nodeId: string, isGivenUp: () => boolean): Promise<void> {
    const done = this.#fetch(nodeId, isGivenUp).finally(() => {
      if (this.#turns.get(nodeId) === turn) this.#turns.delete(nodeId);
    });
    const turn = { assignment: this.#group.offsetManager, done };
    this.#turns.set(nodeId, turn);
    return done;
  }

  async #fetch(nodeId: string, isGivenUp: () => boolean): Promise<void> {
    const group = this.#group;
    const member = this.#member;
    try {
      await fetchForAWhile(group, {
        nodeId,
        isGivenUp,
        member,
        outOfRange: (partition, offset) =>
          void leaveOutOfRange(group, { partition, offset }, member, isGivenUp),
        noteStale: () => void (this.#isStale = true),
      });
    } catch (error) {
      if (isGivenUp()) return;
      if (isRefusal(error) || isFinal(error) && !isTransientError(error)) throw error;
      this.#noteAway(nodeId, error);
    }
  }

  /** Pauses the partitions of a broker that cannot be reached; it may no longer lead them. */
  #noteAway(nodeId: string, error: unknown): void {
    const { topic, troubles } = this.#member;
    const { cluster, preferredReadReplicasPerTopicPartition } = this.#group;
    const [atBroker] = this.#group.filterPartitionsByNode(nodeId, this.#group.assigned());
    const reason = `cannot fetch from broker ${nodeId}: ${reasonIn(error)}`;
    for (const partition of atBroker?.partitions ?? []) {
      const offset = this.#offsetOf(topic, partition);
      troubles.note(partition, { offset, reason, isTransient: true });
      delete preferredReadReplicasPerTopicPartition[topic]?.[partition];
    }
    const { name, host, port } = Object(error);
    // kafkajs does not reopen a closed connection.
    if (name === "KafkaJSConnectionClosedError") cluster.removeBroker({ host, port });
    this.#isStale = true;
  }

  /** Not awaited: the broker asked may not answer, while others have records. */
  #refresh(): void {
    const nowMs = performance.now();
    if (this.#isRefreshing || nowMs < this.#refreshAgainMs) return;
    const { cluster } = this.#group;
    const isIdle = this.#assigned().length === 0;
    const isStale = this.#isStale || this.#isTopicGone || isIdle;
    if (isStale) this.#refreshAgainMs = nowMs + (isIdle ? IDLE_REFRESH_MS : MIN_REFRESH_MS);
    this.#isStale = false;
    this.#isRefreshing = true;
    const refreshing = isStale ? cluster.refreshMetadata() : cluster.refreshMetadataIfNecessary();
    refreshing.then(() => {
      if (this.#isTopicGone) this.#topicIsBack();
    }).catch((error: unknown) => {
      this.#isStale = true;
      if (isRefusal(error)) this.#refusal = error;
      if (Object(error).type !== "UNKNOWN_TOPIC_OR_PARTITION") return;
      this.#isTopicGone = true;
      this.#member.topicGone(true);
    }).finally(() => {
      this.#isRefreshing = false;
    });
  }

  /** Drops known offsets: a re-created topic is read from its start, as brokers forget offsets of a deleted topic. */
  #topicIsBack(): void {
    this.#isTopicGone = false;
    this.#member.topicGone(false);
    const { topic } = this.#member;
    const { offsetManager } = this.#group;
    for (const partition of this.#assigned()) offsetManager.clearOffsets({ topic, partition });
  }

  #checkForNewPartitions(): void {
    const nowMs = performance.now();
    if (nowMs - this.#staleSinceMs < MIN_REJOIN_MS) return;
    try {
      this.#group.checkForStaleAssignment();
    } catch (error) {
      this.#staleSinceMs = nowMs;
      throw error;
    }
  }

  /** Reports the partitions without a leader, which no fetch covers. */
  #noteLeaderless(): void {
    const { topic, troubles } = this.#member;
    const metadata = this.#group.cluster.findTopicPartitionMetadata(topic);
    const leaders = new Map(metadata.map(({ partitionId, leader }) => [partitionId, leader]));
    for (const partition of this.#assigned()) {
      const reason = this.#isTopicGone ? TOPIC_GONE : unledReason(leaders.get(partition));
      if (reason === null || troubles.isPaused(partition)) continue;
      const offset = this.#offsetOf(topic, partition);
      troubles.note(partition, { offset, reason, isTransient: true });
      this.#isStale = true;
    }
  }

  async #findStart(isGivenUp: () => boolean): Promise<void> {
    const member = this.#member;
    const { offsetManager: assignment } = this.#group;
    if (this.#search?.assignment !== assignment) {
      if (performance.now() < this.#searchAgainMs) return;
      const done = member.entry.assigned(assignment)
        .then(() => findStartOffsets(assignment, member, isGivenUp))
        .catch((error: unknown) => {
          this.#searchAgainMs = performance.now() + ASK_AGAIN_MS;
          if (isRefusal(error)) this.#refusal = error;
        }).finally(() => {
          if (this.#search === search) this.#search = null;
        });
      const search = { assignment, done };
      this.#search = search;
    }
    if (this.#search !== null) await atMost(this.#search.done, START_MS);
  }

  #assigned(): readonly number[] {
    return this.#group.assigned().flatMap(({ partitions }) => partitions);
  }

  /** The next fetch offset of a partition; undefined while unknown. */
  #offsetOf(topic: string, partition: number): number | undefined {
    const { offsetManager } = this.#group;
    if (offsetManager.committedOffsets()[topic]?.[partition] === undefined) return undefined;
    return Number(offsetManager.nextOffset(topic, partition));
  }
}

/** Why no broker serves a partition; null when it has a leader. */
function unledReason(leader: number | undefined): string | null {
  if (leader === undefined) return "its topic has fewer partitions now";
  return leader >= 0 ? null : "no broker leads it";
}

/** Whether a later attempt may succeed: after a broker's error response, or after kafkajs's last retry. */
function isTransientError(error: unknown): boolean {
  return ["KafkaJSProtocolError", "KafkaJSNumberOfRetriesExceeded"].includes(Object(error).name);
}
