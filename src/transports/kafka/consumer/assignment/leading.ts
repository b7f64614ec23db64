import Broker from "kafkajs/src/broker/index.js";
import { joiningGroup } from "../early_leave.ts";
import type { JoinedMember } from "./assigners.ts";
import { type LedCluster, ledTopicsOf } from "./led_topics.ts";

/** What kafkajs's group of a consumer has, as far as its leader needs it. */
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

/** What a coordinator tells a member that has joined; of the others only if it is to lead. */
interface JoinAnswer {
  readonly leaderId: string;
  readonly memberId: string;
  readonly groupProtocol: string;
  readonly members: readonly JoinedMember[];
}

/** Groups that are led by this isolate's member of them. */
const led = new WeakMap<object, JoinAnswer>();

/**
 * Has members assign partitions when they lead their group. kafkajs is told that another one leads: before it assigns, it
 * asks for its own topics, and when one of them is gone it fails, and the whole group would wait for it.
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

/** The group that is being joined; undefined for consumers with kafkajs's own assigner, which needs its topics. */
function leadableGroup(groupId: string): LeadableGroup | undefined {
  const group = joiningGroup(groupId) as unknown as LeadableGroup | undefined;
  return group !== undefined && ledTopicsOf.has(group.cluster) ? group : undefined;
}

/**
 * Has a leader join anew when topics of its members have changed. kafkajs looks for new partitions of the topics that it
 * subscribes to itself, and for no others.
 *
 * @throws {Error} which makes kafkajs join anew, so that the leader assigns what there is now
 */
export async function checkLedTopics(group: LeadableGroup): Promise<void> {
  const ledTopics = ledTopicsOf.get(group.cluster);
  if (ledTopics === undefined) return;
  if (!led.has(group)) return ledTopics.noLongerLed();
  if (!(await ledTopics.haveChanged(group.cluster))) return;
  const reason = "Topics of other members of the group have changed";
  throw Object.assign(new Error(reason), { name: "KafkaJSStaleTopicMetadataAssignment" });
}
