import { assertEquals, assertRejects } from "@std/assert";
import Broker from "kafkajs/src/broker/index.js";
import type { ConsumerGroup } from "../../../../src/transports/kafka/kafkajs/types.ts";
import { EarlyLeave } from "../../../../src/transports/kafka/consumer/early_leave.ts";

const GROUP = "orders";
const MEMBER = "member-1";

/** By the keys of Kafka's requests. */
const REQUESTS: Readonly<Record<number, string>> = { 11: "join", 13: "leave" };

Deno.test("a group that is left before its coordinator is known is not joined any more", async () => {
  const { earlyLeave, join, sent } = aJoin();
  const left: Promise<void>[] = [];
  await earlyLeave.whileJoining(aGroup(), async () => {
    left.push(earlyLeave.leave());
    await assertRejects(join, Error, "has left");
  });
  await Promise.all(left);
  assertEquals(sent, []);
});

Deno.test("a group that is left while the coordinator gives the member its id is not joined any more, and told so", async () => {
  const left: Promise<void>[] = [];
  const { earlyLeave, join, sent } = aJoin({ beforeId: () => left.push(earlyLeave.leave()) });
  await earlyLeave.whileJoining(aGroup(), async () => {
    const error = await assertRejects(join);
    assertEquals(Object(error).retriable, false);
  });
  await Promise.all(left);
  assertEquals(sent, ["join as ''", `leave as '${MEMBER}'`]);
});

Deno.test("a group that is not left is joined with the id that the coordinator gives", async () => {
  const { earlyLeave, join, sent } = aJoin();
  const group = aGroup();
  await earlyLeave.whileJoining(group, async () => {
    await join();
    assertEquals(group.memberId, MEMBER);
  });
  assertEquals(sent, ["join as ''", `join as '${MEMBER}'`]);
});

/** A group whose coordinator is not known yet. */
function aGroup(): ConsumerGroup {
  return { groupId: GROUP, memberId: null, coordinator: null } as ConsumerGroup;
}

/** A join by a broker that gives members their ids before it lets them join, and what it is asked for. */
function aJoin({ beforeId = () => {} }: { beforeId?: () => void } = {}) {
  const sent: string[] = [];
  const send = ({ name, memberId }: { name: string; memberId: string }) => {
    sent.push(`${name} as '${memberId}'`);
    if (name !== "join" || memberId !== "") return Promise.resolve({});
    beforeId();
    const needed = { name: "KafkaJSMemberIdRequired", memberId: MEMBER };
    return Promise.reject(Object.assign(new Error("an id is needed"), needed));
  };
  const coordinator = new Broker({
    connectionPool: { host: "kafka", port: 9092, connectionTimeout: 1000, send },
    logger: { namespace: () => ({}) },
  });
  coordinator.lookupRequest = (key: number) => ({ memberId }: { memberId: string }) => ({
    name: REQUESTS[key],
    memberId,
  });
  const earlyLeave = new EarlyLeave();
  const joinGroup = (broker: object) => Broker.prototype.joinGroup.call(broker, { groupId: GROUP });
  return { earlyLeave, join: () => earlyLeave.joinGroup(coordinator, joinGroup), sent };
}
