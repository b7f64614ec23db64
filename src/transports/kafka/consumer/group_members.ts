import Broker from "kafkajs/src/broker/index.js";
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import Runner from "kafkajs/src/consumer/runner.js";
import { atMost, sleep } from "../../../core/backoff.ts";
import { readAssignments } from "./assignment/assigners.ts";
import { checkLedTopics, leadGroups } from "./assignment/leading.ts";
import { announceCoordinatorWaits, isNotServing } from "./coordinator_waits.ts";
import { followJoins, whileJoining } from "./early_leave.ts";
import { heartbeatFailure } from "./gone_coordinator.ts";
import type { GroupEntry } from "./group_entry.ts";
import { type FetchingMember, memberFetches } from "./member_fetches.ts";
import type { CommittedOffset } from "./offset_commits.ts";
import { joinPatiently } from "./patient_join.ts";
import { announceCrash, forgetOldFailures } from "./runner_failures.ts";

/** Callbacks of a group member, for the partitions that kafkajs gains and gives up on its behalf. */
export interface GroupMember extends FetchingMember {
  /** How the member joins the group. */
  readonly entry: GroupEntry;
  /** Called before each rejoin, on every path, while commits are still accepted. */
  beforeRejoin(): Promise<void>;
  /** Called when the group has fenced this member: others may own its partitions. It rejoins afterwards. */
  expelled(): void;
  /**
   * Called when the consumer cannot continue. It leaves the group once this resolves.
   *
   * @param heldForMs how long the partitions stay this member's without another heartbeat
   */
  crashed(error: Error, heldForMs: number): Promise<void>;
  /** Called with the committed offset of a partition, once known, before the partition is fetched. */
  committedBefore(commit: CommittedOffset): void;
}

/** Pause after a heartbeat that the coordinator cannot serve at present. */
const UNSERVED_PAUSE_MS = 250;

/** How long fetches wait for a look-up of the topics of other members, and rejoins for one of the member's own topic. */
const TOPICS_MS = 1000;

/** Errors of a coordinator whose group has fenced this member. */
const EXPULSIONS = new Set(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION"]);

const members = new Map<string, GroupMember>();
/** kafkajs creates one OffsetManager for each assignment of a consumer. */
const givenUpAssignments = new WeakSet<object>();

/** Registers `member` as this isolate's consumer of a group; it receives the fetched records. */
export function becomeMember(groupId: string, member: GroupMember): void {
  members.set(groupId, member);
}

let isPatched = false;

/**
 * Patches kafkajs in this isolate, once, to call members at events that it reports late or never, and to pass on fetched records at once.
 * Consumers without a registered member keep kafkajs's behaviour.
 */
export function callMembers(): void {
  if (isPatched) return;
  isPatched = true;
  readAssignments();
  announceRejoins();
  announceExpulsions();
  followJoins();
  leadGroups();
  announceCommittedOffsets();
  fetchForMembers();
  leaveGoneCoordinators();
  announceCoordinatorWaits((request) => memberOf(request)?.entry.coordinator);
  attendRunners();
}

function memberOf({ groupId }: { groupId: string }): GroupMember | undefined {
  return members.get(groupId);
}

function fetchForMembers(): void {
  const { fetch } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.fetch = async function (nodeId: string): Promise<object[]> {
    const member = memberOf(this);
    if (member === undefined) return await fetch.call(this, nodeId);
    const assignment = this.offsetManager;
    try {
      await atMost(checkLedTopics(this), TOPICS_MS);
      // Meanwhile, a response of another broker can make the consumer rejoin.
      const isGivenUp = () => givenUpAssignments.has(assignment);
      await memberFetches(this).turn(nodeId, member, isGivenUp);
    } catch (error) {
      await this.recoverFromFetch(error);
    }
    // kafkajs sees an empty fetch, and sends a heartbeat when one is due.
    return [];
  };
}

/** Whether to repeat a request to the same coordinator. If it has moved, the member looks for it. */
function isUnservedRequest(error: unknown): boolean {
  return isNotServing(error) && Object(error).type !== "NOT_COORDINATOR_FOR_GROUP";
}

function announceRejoins(): void {
  const { joinAndSync } = ConsumerGroup.prototype;
  const joining = new WeakMap<object, Promise<void>>();

  async function join(group: ConsumerGroup, left: AbortSignal): Promise<void> {
    const member = memberOf(group);
    if (member === undefined) return await joinAndSync.call(group);
    if (group.offsetManager !== null) {
      givenUpAssignments.add(group.offsetManager);
      await Promise.all([member.beforeRejoin(), lookUpTopic(group)]);
    }
    const { entry, topic } = member;
    await joinPatiently(async () => {
      await entry.beforeJoin();
      await joinAndSync.call(group);
    }, { left, refused: (error) => entry.refused(group, error) });
    entry.joined(group, group.partitionsPerSubscribedTopic?.get(topic)?.length ?? 0);
  }

  // Fetches from several brokers may request a rejoin at once. A second join would void the first one's assignment
  // without giving it up.
  ConsumerGroup.prototype.joinAndSync = function (): Promise<void> {
    const running = joining.get(this);
    if (running !== undefined) return running;
    const started = whileJoining(this, (left) => join(this, left)).finally(() =>
      joining.delete(this)
    );
    joining.set(this, started);
    return started;
  };
}

/**
 * Looks up the member's topic before a rejoin, so that all members declare the same partitions. A member that learns of
 * new ones later makes the whole group rebalance again.
 */
async function lookUpTopic({ cluster }: ConsumerGroup): Promise<void> {
  // When it fails, the member looks again after the metadata's maximum age.
  await atMost(cluster.refreshMetadata().catch(() => {}), TOPICS_MS);
}

/** kafkajs rejoins after fencing as after any rebalance, and only once all its fetches have returned. */
function announceExpulsions(): void {
  const { heartbeat } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.heartbeat = async function (options: { interval: number }) {
    const { memberId, generationId } = this;
    try {
      await heartbeat.call(this, options);
    } catch (error) {
      // During a join, a late response may concern the former member id or generation.
      const isSame = memberId === this.memberId && generationId === this.generationId;
      if (isSame && EXPULSIONS.has(Object(error).type)) {
        if (this.offsetManager !== null) givenUpAssignments.add(this.offsetManager);
        memberOf(this)?.expelled();
      }
      throw error;
    }
  };
}

/** kafkajs reads the metadata of commits, but discards it. */
function announceCommittedOffsets(): void {
  const { offsetFetch } = Broker.prototype;
  Broker.prototype.offsetFetch = async function (request: { groupId: string }) {
    const answer = await offsetFetch.call(this, request);
    const member = memberOf(request);
    if (member === undefined) return answer;
    for (const { partitions } of answer.responses) partitions.forEach(member.committedBefore);
    return answer;
  };
}

function leaveGoneCoordinators(): void {
  const { heartbeat } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.heartbeat = async function (options: { interval: number }) {
    try {
      await heartbeat.call(this, options);
    } catch (error) {
      const isHeld = Date.now() - this.lastRequest < this.sessionTimeout;
      if (!isUnservedRequest(error) || !isHeld) throw heartbeatFailure(error, this);
      // A coordinator that loads the group does not run session timers.
      await sleep(UNSERVED_PAUSE_MS);
    }
  };
}

function attendRunners(): void {
  const { start } = Runner.prototype;
  Runner.prototype.start = async function (): Promise<void> {
    const { consumerGroup: group } = this;
    const member = memberOf(group);
    if (member !== undefined) {
      forgetOldFailures(this);
      announceCrash(this, (error) => member.crashed(error, heldForMs(group)));
    }
    await start.call(this);
  };
}

function heldForMs({ offsetManager, lastRequest, sessionTimeout }: ConsumerGroup): number {
  if (offsetManager === null || givenUpAssignments.has(offsetManager)) return 0;
  return Math.max(lastRequest + sessionTimeout - Date.now(), 0);
}
