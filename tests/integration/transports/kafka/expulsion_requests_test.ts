import { assertEquals, assertRejects } from "@std/assert";
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { patchKafkajs } from "../../../../src/transports/kafka/kafkajs/mod.ts";
import { registerConsumer } from "../../../../src/transports/kafka/kafkajs/consumers.ts";
import { aMembership, FakeMember } from "../../../support/kafka/fake_member.ts";

const GROUP = "orders";
/** By the names of what coordinators answer. */
const CODES = { ILLEGAL_GENERATION: 22, UNKNOWN_MEMBER_ID: 25, REBALANCE_IN_PROGRESS: 27 };

patchKafkajs();

for (const answer of ["ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"] as const) {
  Deno.test(`a member learns from ${answer} that it was put out, before it joins anew`, async () => {
    const member = aMember();
    const group = aGroup(answer);
    await assertRejects(() => group.heartbeat({ interval: 0 }));
    assertEquals(member.calls, ["fenced"]);
  });
}

Deno.test("a member that is to join anew, because others do, was not put out", async () => {
  const member = aMember();
  const group = aGroup("REBALANCE_IN_PROGRESS");
  await assertRejects(() => group.heartbeat({ interval: 0 }));
  assertEquals(member.calls, []);
});

Deno.test("an answer that is about a membership of before puts nobody out", async () => {
  const member = aMember();
  const group = aGroup("ILLEGAL_GENERATION", () => group.generationId++);
  await assertRejects(() => group.heartbeat({ interval: 0 }));
  assertEquals(member.calls, []);
});

function aMember(): FakeMember {
  const member = new FakeMember();
  registerConsumer(GROUP, aMembership(member));
  return member;
}

/** kafkajs's group of a consumer, whose coordinator answers so. */
function aGroup(answer: keyof typeof CODES, beforeAnswer = () => {}): ConsumerGroup {
  const logger = { namespace: () => ({}) };
  const group = new ConsumerGroup({
    groupId: GROUP,
    logger,
    instrumentationEmitter: { emit: () => {} },
  });
  group.memberId = "member-1";
  group.generationId = 1;
  group.offsetManager = {};
  group.coordinator = {
    heartbeat: () => {
      beforeAnswer();
      return Promise.reject(createErrorFromCode(CODES[answer]));
    },
  };
  return group;
}
