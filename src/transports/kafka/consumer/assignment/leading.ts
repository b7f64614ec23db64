import Broker from "kafkajs/src/broker/index.js";
import { joiningGroup } from "../early_leave.ts";
import type { JoinedMember } from "./assigners.ts";
import { type LedCluster, ledTopicsOf } from "./led_topics.ts";

/** The part of kafkajs's `ConsumerGroup` that a leader needs. */
export interface LeadableGroup {
  readonly cluster: LedCluster;
  readonly assigners: readonly Assigner[];
}

interface Assigner {
  readonly name: string;
  assign(group: {
    members: readonly JoinedMember[];
    topics: readonly string[];
  }): Promise<readonly object[]>;
}

/** A JoinGroup response. Only the leader's lists the other members. */
interface JoinAnswer {
  readonly leaderId: string;
  readonly memberId: string;
  readonly groupProtocol: string;
  readonly members: readonly JoinedMember[];
}

/** The groups that this isolate's member leads, with their JoinGroup responses. */
const led = new WeakMap<object, JoinAnswer>();

/**
 * Lets members assign partitions when they lead, and tells kafkajs that another member leads. A leading kafkajs first
 * looks up its own topics and fails if one is gone. The whole group would wait for it.
 */
export function leadGroups(): void {
  const { joinGroup, syncGroup } = Broker.prototype;
  Broker.prototype.joinGroup = async function (request: { groupId: string }) {
    const answer: JoinAnswer = await joinGroup.call(this, request);
    const group = leadableGroup(request.groupId);
    if (group === undefined) return answer;
    if (answer.leaderId !== answer.memberId) {
      led.delete(group);
      return answer;
    }
    led.set(group, answer);
    return { ...answer, leaderId: "" };
  };
  Broker.prototype.syncGroup = async function (request: { groupId: string }) {
    const group = leadableGroup(request.groupId);
    const answer = group === undefined ? undefined : led.get(group);
    if (group === undefined || answer === undefined) return await syncGroup.call(this, request);
    const assigner = group.assigners.find(({ name }) => name === answer.groupProtocol);
    const groupAssignment = await assigner?.assign({ members: answer.members, topics: [] });
    return await syncGroup.call(this, { ...request, groupAssignment: groupAssignment ?? [] });
  };
}

/** The group being joined; undefined for consumers with kafkajs's own assigner, which needs kafkajs's topics. */
function leadableGroup(groupId: string): LeadableGroup | undefined {
  const group = joiningGroup(groupId) as unknown as LeadableGroup | undefined;
  return group !== undefined && ledTopicsOf.has(group.cluster) ? group : undefined;
}

/**
 * Makes a leader rejoin when topics of its members have changed. kafkajs looks for new partitions only of topics that
 * it subscribes to itself.
 *
 * @throws {Error} that makes kafkajs rejoin, so that the leader assigns the current partitions
 */
export async function checkLedTopics(group: LeadableGroup): Promise<void> {
  const ledTopics = ledTopicsOf.get(group.cluster);
  if (ledTopics === undefined) return;
  if (!led.has(group)) return ledTopics.noLongerLed();
  if (!(await ledTopics.haveChanged(group.cluster))) return;
  const reason = "Topics of other members of the group have changed";
  throw Object.assign(new Error(reason), { name: "KafkaJSStaleTopicMetadataAssignment" });
}
