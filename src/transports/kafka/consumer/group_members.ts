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

/** What the consumer of a group does with its partitions, which kafkajs gets and gives up for it. */
export interface GroupMember extends FetchingMember {
  /** Its way into the group. */
  readonly entry: GroupEntry;
  /** Called before it joins the group anew, on every path that leads there, while it still may commit. */
  beforeRejoin(): Promise<void>;
  /** Called when it was put out of the group: its partitions may be others' by now. It joins anew after that. */
  expelled(): void;
  /**
   * Called when its consumer cannot go on, and leaves the group once this resolves.
   *
   * @param heldForMs how long its partitions stay its own, without a further sign of life
   */
  crashed(error: Error, heldForMs: number): Promise<void>;
  /** Called with what was committed of a partition, when that is known; before anything of it is fetched. */
  committedBefore(commit: CommittedOffset): void;
}

/** How long a coordinator that does not serve the group for now is not asked again. */
const UNSERVED_PAUSE_MS = 250;

/** How long fetches wait for a broker to tell the topics of other members. */
const LED_TOPICS_MS = 1000;

/** A coordinator's answers to a member without which the group has gone on. */
const EXPULSIONS = new Set(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION"]);

const members = new Map<string, GroupMember>();
/** An OffsetManager stands for one assignment of one consumer. */
const givenUpAssignments = new WeakSet<object>();

/** Has `member` stand for this isolate's consumer of a group, and take what it fetches. */
export function becomeMember(groupId: string, member: GroupMember): void {
  members.set(groupId, member);
}

/**
 * Has kafkajs tell members what it tells only afterwards, or not at all, and give them what is fetched at once.
 * Consumers that nobody stands for run as kafkajs has it.
 */
export function callMembers(): void {
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
      await atMost(checkLedTopics(this), LED_TOPICS_MS);
      // With several brokers, the answer of another can make the consumer join again meanwhile.
      const isGivenUp = () => givenUpAssignments.has(assignment);
      await memberFetches(this).turn(nodeId, member, isGivenUp);
    } catch (error) {
      await this.recoverFromFetch(error);
    }
    // For kafkajs, nothing came: it goes on by sending a heartbeat when one is due.
    return [];
  };
}

/** Whether a request should be sent again to the same coordinator. Of one that has moved, a member learns where to. */
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
      await member.beforeRejoin();
    }
    const { entry, topic } = member;
    await joinPatiently(async () => {
      await entry.beforeJoin();
      await joinAndSync.call(group);
    }, { left, refused: (error) => entry.refused(group, error) });
    entry.joined(group, group.partitionsPerSubscribedTopic?.get(topic)?.length ?? 0);
  }

  // Fetches from several brokers can ask for it at the same time; a second join would make the first one's assignment
  // void without giving it up.
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

/** kafkajs joins anew for them as for any rebalance, and only when all of its fetches have come back. */
function announceExpulsions(): void {
  const { heartbeat } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.heartbeat = async function (options: { interval: number }) {
    const { memberId, generationId } = this;
    try {
      await heartbeat.call(this, options);
    } catch (error) {
      // While it joins, a late answer can be about what it was before.
      const isSame = memberId === this.memberId && generationId === this.generationId;
      if (isSame && EXPULSIONS.has(Object(error).type)) {
        if (this.offsetManager !== null) givenUpAssignments.add(this.offsetManager);
        memberOf(this)?.expelled();
      }
      throw error;
    }
  };
}

/** kafkajs reads the metadata of commits, and forgets it. */
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
      // A coordinator that loads the group does not count the time.
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
