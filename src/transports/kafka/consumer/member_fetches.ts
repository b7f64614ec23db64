import { atMost } from "../../../core/backoff.ts";
import { isRefusal, reasonIn } from "../client/client_failure.ts";
import type { FetchDemand } from "./fetch_demand.ts";
import { fetchForAWhile, type FetchingGroup } from "./group_fetches.ts";
import { leaveOutOfRange, type ResettableGroup } from "./offset_out_of_range.ts";
import type { FetchedPartition } from "./partition_answer.ts";
import type { Group } from "./offset_commits.ts";
import type { PartitionTroubles } from "../partition_troubles.ts";
import type { AssignmentOffsets } from "./offset_reset.ts";
import { isFinal } from "./runner_failures.ts";
import { type Assignment, findStartOffsets } from "./start_offsets.ts";
import type { Logger } from "../../../core/log.ts";

/**
 * How long a turn may last beyond the time that a broker may take for a fetch. One that does not answer must keep
 * neither heartbeats waiting nor the fetches from other brokers; its turn goes on meanwhile.
 */
const OVERTIME_MS = 500;

/** How long a turn waits to know where partitions begin; it begins with those of which that is known. */
const START_MS = 200;

/** What could not be found out is asked for again after this time. */
const ASK_AGAIN_MS = 1000;

/** Brokers are asked no more often who leads which partition. */
const MIN_REFRESH_MS = 250;

/** How often a member without partitions looks whether its topic is still there: no fetch tells it. */
const IDLE_REFRESH_MS = 5000;

/** A topic that seems to change all the time makes a member join its group anew no more often. */
const MIN_REJOIN_MS = 5000;

const TOPIC_GONE = "the topic does not exist any more";

/** What a member of a group wants of fetching. */
export interface FetchingMember {
  readonly topic: string;
  readonly log: Logger;
  /** `auto.offset.reset` */
  readonly offsetReset: "earliest" | "latest";
  /** Told of an assignment before it is asked where its partitions go on. */
  readonly entry: { assigned(assignment: AssignmentOffsets): Promise<void> };
  /** The partitions that cannot be read just now. */
  readonly troubles: PartitionTroubles;
  /** Rises when `wantsMore` does for a partition. */
  readonly demand: FetchDemand;
  /** Whether more of a partition should be fetched, from where the next fetch would begin. */
  wantsMore(partition: number, nextOffset: number): boolean;
  /** Called before a partition goes on elsewhere, as its topic may have been created anew. */
  resets(partition: number): void;
  /** Called while its topic does not exist, and once it does: what comes back by its name can be another one. */
  topicGone(isGone: boolean): void;
  /** Takes what was fetched; to wait here would stall every other partition. */
  take(fetched: FetchedPartition, group: Group): void;
}

/** kafkajs's group of a consumer, as far as it is used here. */
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

const fetchesOf = new WeakMap<object, MemberFetches>();

/** Fetching for one group; it stays the same when the group is joined anew. */
export function memberFetches(group: MemberGroup): MemberFetches {
  const known = fetchesOf.get(group) ?? new MemberFetches(group);
  fetchesOf.set(group, known);
  return known;
}

/**
 * Fetches for a member of a group so that a broker or a partition that fails keeps nothing else waiting. Only what no
 * partition can do without ends a fetch by an error: as kafkajs has it, that stops all of them.
 */
class MemberFetches {
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
   * Fetches from one broker for a while, but not for much longer than that.
   *
   * @param isGivenUp whether the assignment that the group has now was given up meanwhile
   * @throws {Error} a refusal, or that the member has to join anew
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
    const { topic, troubles, log, demand, offsetReset: reset } = member;
    try {
      await fetchForAWhile(group, {
        nodeId,
        isGivenUp,
        wantsMore: (partition, nextOffset) =>
          !isGivenUp() && member.wantsMore(partition, nextOffset),
        demand,
        troubles,
        outOfRange: (partition, offset) =>
          void leaveOutOfRange(group, { partition, offset }, {
            topic,
            reset,
            troubles,
            log,
            isGivenUp,
            resets: (partition) => member.resets(partition),
          }),
        noteStale: () => void (this.#isStale = true),
        take: (fetched) => member.take(fetched, group),
      });
    } catch (error) {
      if (isGivenUp()) return;
      if (isRefusal(error) || isFinal(error) && !mayPass(error)) throw error;
      this.#noteAway(nodeId, member, error);
    }
  }

  /** The partitions of a broker that cannot be asked wait; it may not lead them any more. */
  #noteAway(nodeId: string, { topic, troubles }: FetchingMember, error: unknown): void {
    const { cluster, preferredReadReplicasPerTopicPartition } = this.#group;
    const [atBroker] = this.#group.filterPartitionsByNode(nodeId, this.#group.assigned());
    const reason = `broker ${nodeId} cannot be asked for it: ${reasonIn(error)}`;
    for (const partition of atBroker?.partitions ?? []) {
      const offset = this.#offsetOf(topic, partition);
      troubles.note(partition, { offset, reason, isPassing: true });
      delete preferredReadReplicasPerTopicPartition[topic]?.[partition];
    }
    const { name, host, port } = Object(error);
    // A connection that was closed is not opened again by itself.
    if (name === "KafkaJSConnectionClosedError") cluster.removeBroker({ host, port });
    this.#isStale = true;
  }

  /** Not waited for: the broker that is asked may not answer, and others have records. */
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

  /** A topic that was created anew begins anew, and so do those who read it: the group has no offsets there any more. */
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

  /** Partitions without a leader are asked for of no broker. */
  #noteLeaderless({ topic, troubles }: FetchingMember): void {
    const metadata = this.#group.cluster.findTopicPartitionMetadata(topic);
    const leaders = new Map(metadata.map(({ partitionId, leader }) => [partitionId, leader]));
    for (const partition of this.#assigned()) {
      const reason = this.#isTopicGone ? TOPIC_GONE : unledReason(leaders.get(partition));
      if (reason === null || troubles.isPaused(partition)) continue;
      const offset = this.#offsetOf(topic, partition);
      troubles.note(partition, { offset, reason, isPassing: true });
      this.#isStale = true;
    }
  }

  async #findStart(member: FetchingMember, isGivenUp: () => boolean): Promise<void> {
    const { offsetManager: assignment } = this.#group;
    if (this.#search?.assignment !== assignment) {
      if (performance.now() < this.#searchAgainMs) return;
      const { topic, troubles } = member;
      const resets = (partition: number) => member.resets(partition);
      const done = member.entry.assigned(assignment)
        .then(() => findStartOffsets(assignment, { topic, troubles, isGivenUp, resets }))
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

  /** Where the next fetch of a partition begins, if that is known. */
  #offsetOf(topic: string, partition: number): number | undefined {
    const { offsetManager } = this.#group;
    if (offsetManager.committedOffsets()[topic]?.[partition] === undefined) return undefined;
    return Number(offsetManager.nextOffset(topic, partition));
  }
}

/** Why no broker can be asked for a partition; null when there is its leader. */
function unledReason(leader: number | undefined): string | null {
  if (leader === undefined) return "its topic has fewer partitions now";
  return leader >= 0 ? null : "no broker leads it";
}

/** A broker that answers by an error may answer otherwise later, and what kafkajs has tried several times may work. */
function mayPass(error: unknown): boolean {
  return ["KafkaJSProtocolError", "KafkaJSNumberOfRetriesExceeded"].includes(Object(error).name);
}
