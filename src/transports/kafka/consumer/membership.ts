import { atMost, sleep } from "../../../core/backoff.ts";
import type { ConsumerHooks, JoinResponse } from "../kafkajs/consumers.ts";
import { Leadership, type LeadershipOptions } from "./assignment/leading.ts";
import type { CoordinatorWaits } from "./coordinator_waits.ts";
import { EarlyLeave } from "./early_leave.ts";
import {
  heartbeatFailure,
  isFenced,
  isUnservedRequest,
  mayJoinLater,
  refusalOf,
} from "./group_errors.ts";
import type { GroupMember } from "./group_member.ts";
import type { Broker, ConsumerGroup, PartitionOffset } from "../kafkajs/types.ts";
import { MemberFetches } from "./member_fetches.ts";

/** Pause while the group has no coordinator or rebalances. */
const UNSERVED_PAUSE_MS = 250;

/** Pause after a refusal by the group, which lasts longer. */
const REFUSED_PAUSE_MS = 2000;

/** How long a look-up of topics may delay fetches (other members' topics) or a rejoin (this member's own topic). */
const TOPICS_MS = 1000;

/**
 * A membership in a group: how it is joined, kept and left. kafkajs sends the requests, calls these hooks instead of
 * what it would do itself, and creates an `OffsetManager` for each assignment.
 */
export class Membership implements ConsumerHooks {
  readonly coordinator: CoordinatorWaits;
  readonly #member: GroupMember;
  readonly #leadership: Leadership;
  readonly #earlyLeave = new EarlyLeave();
  readonly #givenUpAssignments = new WeakSet<object>();
  #group: ConsumerGroup | undefined;
  #fetches: MemberFetches | null = null;
  #joining: Promise<void> | null = null;

  constructor(member: GroupMember, options: LeadershipOptions) {
    this.#member = member;
    this.coordinator = member.entry.coordinator;
    this.#leadership = new Leadership(options);
  }

  /** The joined group, or the one being joined. */
  get group(): ConsumerGroup | undefined {
    return this.#group;
  }

  /** Leaves the group if it is being joined; after the join, kafkajs leaves it. */
  async stopJoining(): Promise<void> {
    await this.#earlyLeave.leave();
  }

  /**
   * Fetches from several brokers may request a rejoin at once, and share one. A second join would void the first one's
   * assignment without giving it up.
   */
  join(group: ConsumerGroup, joinAndSync: () => Promise<void>): Promise<void> {
    this.#group = group;
    this.#joining ??= this.#earlyLeave
      .whileJoining(group, (left) => this.#join(group, joinAndSync, left))
      .finally(() => this.#joining = null);
    return this.#joining;
  }

  async #join(
    group: ConsumerGroup,
    joinAndSync: () => Promise<void>,
    left: AbortSignal,
  ): Promise<void> {
    const { entry, topic } = this.#member;
    if (group.offsetManager !== null) {
      this.#giveUpAssignment(group);
      await Promise.all([this.#member.prepareRebalance(), lookUpTopic(group)]);
    }
    let hasJoined = false;
    while (!hasJoined) hasJoined = await this.#tryToJoin(group, joinAndSync, left);
    entry.joined(group, group.partitionsPerSubscribedTopic?.get(topic)?.length ?? 0);
  }

  /** Returns false after a pause if the group or its coordinator refuses for now, and the group was not left. */
  async #tryToJoin(
    group: ConsumerGroup,
    joinAndSync: () => Promise<void>,
    left: AbortSignal,
  ): Promise<boolean> {
    const { entry } = this.#member;
    try {
      await entry.beforeJoin();
      await joinAndSync();
      return true;
    } catch (error) {
      if (left.aborted || !mayJoinLater(error)) throw error;
      const isRefused = refusalOf(error) !== undefined;
      if (isRefused) await entry.refused(group, error);
      await sleep(isRefused ? REFUSED_PAUSE_MS : UNSERVED_PAUSE_MS, left);
      if (left.aborted) throw error;
      return false;
    }
  }

  async joinGroup(
    broker: Broker,
    joinGroup: (broker: object) => Promise<JoinResponse>,
  ): Promise<JoinResponse> {
    return this.#leadership.joined(await this.#earlyLeave.joinGroup(broker, joinGroup));
  }

  async assignment(): Promise<readonly object[] | undefined> {
    return this.#group === undefined
      ? undefined
      : await this.#leadership.assignment(this.#group.cluster);
  }

  committed(offsets: readonly PartitionOffset[]): void {
    for (const offset of offsets) this.#member.committedBefore(offset);
  }

  async heartbeat(group: ConsumerGroup, heartbeat: () => Promise<void>): Promise<void> {
    const { memberId, generationId } = group;
    try {
      await heartbeat();
    } catch (error) {
      // During a join, a late response may concern the former member id or generation.
      const isSame = memberId === group.memberId && generationId === group.generationId;
      if (isSame && isFenced(error)) {
        this.#giveUpAssignment(group);
        this.#member.fenced();
      }
      const isInSession = Date.now() - group.lastRequest < group.sessionTimeout;
      if (!isUnservedRequest(error) || !isInSession) throw heartbeatFailure(error, group);
      // A coordinator that loads the group does not run session timers.
      await sleep(UNSERVED_PAUSE_MS);
    }
  }

  async fetch(group: ConsumerGroup, nodeId: string): Promise<void> {
    const assignment = group.offsetManager;
    await atMost(this.#leadership.checkTopics(group.cluster), TOPICS_MS);
    // Meanwhile, a response of another broker can make the consumer rejoin.
    const isGivenUp = () => this.#givenUpAssignments.has(assignment);
    this.#fetches ??= new MemberFetches(group, this.#member);
    await this.#fetches.turn(nodeId, isGivenUp);
  }

  async crashed(group: ConsumerGroup, error: Error): Promise<void> {
    await this.#member.consumerStopped(error, this.#heldForMs(group));
  }

  #giveUpAssignment({ offsetManager }: ConsumerGroup): void {
    if (offsetManager !== null) this.#givenUpAssignments.add(offsetManager);
  }

  /** How long the assigned partitions stay this member's without another heartbeat, in milliseconds. */
  #heldForMs(group: ConsumerGroup): number {
    const { offsetManager: assignment } = group;
    if (assignment === null || this.#givenUpAssignments.has(assignment)) return 0;
    return Math.max(group.lastRequest + group.sessionTimeout - Date.now(), 0);
  }
}

/**
 * Looks up the member's topic before a rejoin, so that all members declare the same partitions. A member that learns of
 * new ones later makes the whole group rebalance again.
 */
async function lookUpTopic({ cluster }: Pick<ConsumerGroup, "cluster">): Promise<void> {
  // When it fails, the member looks again after the metadata's maximum age.
  await atMost(cluster.refreshMetadata().catch(() => {}), TOPICS_MS);
}
