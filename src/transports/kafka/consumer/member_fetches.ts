import { atMost } from "../../../core/backoff.ts";
import { isFinal, isRefusal, reasonIn } from "../client/client_failure.ts";
import type { FetchDemand } from "./fetch_buffer.ts";
import { fetchForAWhile, type FetchingGroup } from "./group_fetches.ts";
import {
  leaveOutOfRange,
  type ResettableGroup,
  type ResettableMember,
} from "./offset_out_of_range.ts";
import type { FetchedPartition } from "./partition_response.ts";
import type { Group } from "./offset_commits.ts";
import type { AssignmentOffsets } from "./offset_reset.ts";
import { type Assignment, findStartOffsets } from "./start_offsets.ts";

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

/** What fetching needs from a group member. */
export interface FetchingMember extends ResettableMember {
  /** Called with an assignment before its start offsets are looked up. */
  readonly entry: { assigned(assignment: AssignmentOffsets): Promise<void> };
  /** Signals when `wantsMore` becomes true for a partition. */
  readonly demand: FetchDemand;
  /** Whether to fetch more of a partition. `nextOffset` is its next fetch offset. */
  wantsMore(partition: number, nextOffset: number): boolean;
  /** Called while the topic does not exist, and once it is back: it may be another topic of the same name. */
  topicGone(isGone: boolean): void;
  /** Receives fetched records. Returns at once: waiting here would stall all other partitions. */
  take(fetched: FetchedPartition, group: Group): void;
}

/** The part of kafkajs's `ConsumerGroup` used here. */
export interface MemberGroup extends Group, FetchingGroup {
  readonly groupId: string;
  readonly offsetManager:
    & FetchingGroup["offsetManager"]
    & ResettableGroup["offsetManager"]
    & Assignment
    & AssignmentOffsets
    & { clearOffsets(place: { topic: string; partition: number }): void };
  readonly cluster: FetchingGroup["cluster"] & ResettableGroup["cluster"] & {
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
    removeBroker(broker: { host: string; port: number }): void;
  };
  checkForStaleAssignment(): void;
}

interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number;
}

interface Turn {
  readonly assignment: object;
  readonly done: Promise<void>;
}

/**
 * Fetches for a group member, so that a failing broker or partition delays nothing else. Only errors that concern all
 * partitions reject, as kafkajs then stops all fetches.
 */
export class MemberFetches {
  readonly #group: MemberGroup;
  readonly #turns = new Map<string, Turn>();
  #search: Turn | null = null;
  #searchAgainMs = 0;
  #isRefreshing = false;
  #isStale = false;
  #refreshAgainMs = 0;
  #isTopicGone = false;
  #refusal: unknown = null;
  #staleSinceMs = -Infinity;

  constructor(group: MemberGroup) {
    this.#group = group;
  }

  /**
   * Fetches from one broker for a turn, and returns soon after even if the broker does not answer.
   *
   * @param isGivenUp whether the group's current assignment has been given up since
   * @throws {Error} a refusal, or an error that makes the member rejoin
   */
  async turn(
    nodeId: string,
    member: FetchingMember,
    isGivenUp: () => boolean,
  ): Promise<void> {
    this.#refresh(member);
    if (this.#refusal !== null) throw this.#refusal;
    this.#checkForNewPartitions();
    await this.#findStart(member, isGivenUp);
    if (isGivenUp()) return;
    this.#noteLeaderless(member);
    const { offsetManager: assignment, maxWaitTime } = this.#group;
    const running = this.#turns.get(nodeId);
    const turn = running?.assignment === assignment
      ? running.done
      : this.#begin(nodeId, member, isGivenUp);
    await atMost(turn, maxWaitTime + OVERTIME_MS);
  }

  #begin(nodeId: string, member: FetchingMember, isGivenUp: () => boolean): Promise<void> {
    const done = this.#fetch(nodeId, member, isGivenUp);
    const turn = { assignment: this.#group.offsetManager, done };
    this.#turns.set(nodeId, turn);
    const end = () => {
      if (this.#turns.get(nodeId) === turn) this.#turns.delete(nodeId);
    };
    done.then(end, end);
    return done;
  }

  async #fetch(
    nodeId: string,
    member: FetchingMember,
    isGivenUp: () => boolean,
  ): Promise<void> {
    const group = this.#group;
    const { troubles, demand } = member;
    try {
      await fetchForAWhile(group, {
        nodeId,
        isGivenUp,
        wantsMore: (partition, nextOffset) =>
          !isGivenUp() && member.wantsMore(partition, nextOffset),
        demand,
        troubles,
        outOfRange: (partition, offset) =>
          void leaveOutOfRange(group, { partition, offset }, member, isGivenUp),
        noteStale: () => void (this.#isStale = true),
        take: (fetched) => member.take(fetched, group),
      });
    } catch (error) {
      if (isGivenUp()) return;
      if (isRefusal(error) || isFinal(error) && !isTransientError(error)) throw error;
      this.#noteAway(nodeId, member, error);
    }
  }

  /** Pauses the partitions of a broker that cannot be reached; it may no longer lead them. */
  #noteAway(nodeId: string, { topic, troubles }: FetchingMember, error: unknown): void {
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
  #refresh(member: FetchingMember): void {
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
      if (this.#isTopicGone) this.#topicIsBack(member);
    }).catch((error: unknown) => {
      this.#isStale = true;
      if (isRefusal(error)) this.#refusal = error;
      if (Object(error).type !== "UNKNOWN_TOPIC_OR_PARTITION") return;
      this.#isTopicGone = true;
      member.topicGone(true);
    }).finally(() => {
      this.#isRefreshing = false;
    });
  }

  /** Drops known offsets: a re-created topic is read from its start, as brokers forget offsets of a deleted topic. */
  #topicIsBack(member: FetchingMember): void {
    this.#isTopicGone = false;
    member.topicGone(false);
    const { topic } = member;
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
  #noteLeaderless({ topic, troubles }: FetchingMember): void {
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

  async #findStart(member: FetchingMember, isGivenUp: () => boolean): Promise<void> {
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
    await atMost(this.#search?.done ?? Promise.resolve(), START_MS);
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
