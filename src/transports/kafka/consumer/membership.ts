import { atMost, sleep } from "../../../core/backoff.ts";
import type { ConsumerHooks, JoinResponse } from "../kafkajs/consumers.ts";
import { Leadership } from "./assignment/leading.ts";
import type { LedTopicsOptions } from "./assignment/led_topics.ts";
import { type CoordinatorWaits, isNotServing } from "./coordinator_waits.ts";
import { EarlyLeave } from "./early_leave.ts";
import { heartbeatFailure } from "./gone_coordinator.ts";
import type { GroupMember } from "./group_member.ts";
import type { ConsumerGroup, PartitionOffset } from "./kafkajs_types.ts";
import { MemberFetches } from "./member_fetches.ts";
import { joinPatiently } from "./patient_join.ts";

/** Pause after a heartbeat that the coordinator cannot serve at present. */
const UNSERVED_PAUSE_MS = 250;

/** How long fetches wait for a look-up of the topics of other members, and rejoins for one of the member's own topic. */
const TOPICS_MS = 1000;

/** Errors of a coordinator whose group has fenced this member. */
const FENCED = new Set(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION"]);

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

  constructor(member: GroupMember, options: LedTopicsOptions) {
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
      .whileJoining(group, (left) => this.#join(group, { joinAndSync, left }))
      .finally(() => this.#joining = null);
    return this.#joining;
  }

  async #join(
    group: ConsumerGroup,
    { joinAndSync, left }: { joinAndSync: () => Promise<void>; left: AbortSignal },
  ): Promise<void> {
    const { entry, topic } = this.#member;
    if (group.offsetManager !== null) {
      this.#giveUpAssignment(group);
      await Promise.all([this.#member.beforeRejoin(), lookUpTopic(group)]);
    }
    await joinPatiently(async () => {
      await entry.beforeJoin();
      await joinAndSync();
    }, { left, refused: (error) => entry.refused(group, error) });
    entry.joined(group, group.partitionsPerSubscribedTopic?.get(topic)?.length ?? 0);
  }

  async joinGroup(
    broker: Parameters<EarlyLeave["joinGroup"]>[0],
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
      if (isSame && FENCED.has(Object(error).type)) {
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
    await this.#member.crashed(error, this.#heldForMs(group));
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

/** Whether to repeat a request to the same coordinator. If it has moved, the member looks for it. */
function isUnservedRequest(error: unknown): boolean {
  return isNotServing(error) && Object(error).type !== "NOT_COORDINATOR_FOR_GROUP";
}

/**
 * Looks up the member's topic before a rejoin, so that all members declare the same partitions. A member that learns of
 * new ones later makes the whole group rebalance again.
 */
async function lookUpTopic({ cluster }: Pick<ConsumerGroup, "cluster">): Promise<void> {
  // When it fails, the member looks again after the metadata's maximum age.
  await atMost(cluster.refreshMetadata().catch(() => {}), TOPICS_MS);
}
