import { assertEquals, assertStrictEquals } from "@std/assert";
import type { ConsumerGroup } from "../../../../src/transports/kafka/kafkajs/types.ts";
import { heartbeatFailure } from "../../../../src/transports/kafka/consumer/group_errors.ts";

const ERROR = new Error("Connection error: connect ECONNREFUSED");

function groupOf({ coordinator, brokers }: { coordinator: number; brokers: readonly number[] }) {
  const metadata = { brokers: brokers.map((nodeId) => ({ nodeId })) };
  return { coordinator: { nodeId: coordinator }, cluster: { brokerPool: { metadata } } };
}

function failureOf(group: object, error: unknown = ERROR): unknown {
  return heartbeatFailure(error, group as ConsumerGroup);
}

Deno.test("heartbeatFailure() has the group look for its coordinator when that broker has left the cluster", () => {
  const failure = failureOf(groupOf({ coordinator: 2, brokers: [1, 3] }));
  assertEquals(Object(failure).type, "NOT_COORDINATOR_FOR_GROUP");
  assertStrictEquals(Object(failure).cause, ERROR);
});

Deno.test("heartbeatFailure() leaves the error of a coordinator as it is that is in the cluster", () => {
  const group = groupOf({ coordinator: 2, brokers: [1, 2, 3] });
  assertStrictEquals(failureOf(group), ERROR);
});

Deno.test("heartbeatFailure() leaves the error of a group as it is that has not joined yet", () => {
  const group = { coordinator: null, cluster: { brokerPool: { metadata: null } } };
  assertStrictEquals(failureOf(group), ERROR);
});

Deno.test("heartbeatFailure() leaves what a broker has answered as it is", () => {
  const answer = Object.assign(new Error("The coordinator is not aware of this member"), {
    name: "KafkaJSProtocolError",
  });
  const group = groupOf({ coordinator: 2, brokers: [1, 3] });
  assertStrictEquals(failureOf(group, answer), answer);
});
