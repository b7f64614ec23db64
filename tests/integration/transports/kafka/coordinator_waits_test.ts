import { assert, assertEquals } from "@std/assert";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { requests } from "kafkajs/src/protocol/requests/index.js";
import { eventually } from "../../../support/eventually.ts";
import { committedOffsets, freshName, freshTopic, produce } from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

/** It loads the group, it is not available, and the broker that was asked is not the one. */
const CODES = [14, 15, 16];

/** Each code comes so often that all together are more than what kafkajs tries by itself. */
const ANSWERS = [...CODES, ...CODES, ...CODES, ...CODES];

const REQUESTS = [
  "GroupCoordinator",
  "JoinGroup",
  "SyncGroup",
  "Heartbeat",
  "OffsetFetch",
  "OffsetCommit",
] as const;

const KEYS = {
  "heartbeat.interval.ms": 100,
  "reconnect.backoff.ms": 10,
  "reconnect.backoff.max.ms": 20,
};

for (const name of REQUESTS) {
  Deno.test(`a listener waits and goes on when ${name} is answered by no coordinator of the group`, async () => {
    const topic = await freshTopic("unserved");
    const group = freshName("unserved");
    await produce(topic, [{ value: "first" }]);
    using answers = answeredBy(name, ANSWERS);
    await using listening = await KafkaListening.open({ topic, group, keys: KEYS });
    await listening.received(1);
    await eventually(() => answers.left === 0, {
      deadlineMs: 60_000,
      what: () => `an end of the answers, ${answers.left} left`,
    });
    await produce(topic, [{ value: "second" }]);
    await listening.received(2);
    await eventually(async () => (await committedOffsets(group, topic)).get(0) === 2, {
      deadlineMs: 30_000,
      what: "the commit of both",
    });
    assertEquals(new Set(listening.values), new Set(["first", "second"]));
    assertEquals(listening.log.of("ERROR"), []);
  });
}

Deno.test("a listener says that its group has had no coordinator for 5 s, and when it has one again", async () => {
  const topic = await freshTopic("unserved");
  const loading = Array<number>(60).fill(14);
  using _ = answeredBy("JoinGroup", loading);
  await using listening = await KafkaListening.open({
    topic,
    group: freshName("unserved"),
    keys: KEYS,
  });
  await listening.log.line(/^WARN - no broker coordinates group '.*' for now/);
  await listening.log.line(/^INFO - a broker coordinates group '.*' again/);
  await listening.log.line(/joined group/);
});

Deno.test("with 'latest' a new group that waits for its coordinator starts where its topic ended when it came", async () => {
  const topic = await freshTopic("unserved");
  const group = freshName("unserved");
  await produce(topic, [{ value: "old" }]);
  const keys = { ...KEYS, "auto.offset.reset": "latest" };
  using answers = answeredBy("OffsetFetch", ANSWERS);
  await using listening = await KafkaListening.open({ topic, group, keys });
  assert(answers.left > 0, "it has not waited");
  await produce(topic, [{ value: "new" }]);
  await listening.received(1);
  assertEquals(listening.values, ["new"]);
});

/** Has all coordinators answer a request with these errors, one after the other; what it asks for happens all the same. */
function answeredBy(
  name: string,
  codes: readonly number[],
): Disposable & { readonly left: number } {
  const definition = requests[name];
  const left = [...codes];
  requests[name] = {
    ...definition,
    protocol: (options: object) => {
      const create = definition.protocol(options);
      return (payload: object) => {
        const { request, response, ...rest } = create(payload);
        const parse = (answer: unknown) => {
          const code = left.shift();
          if (code === undefined) return response.parse(answer);
          throw createErrorFromCode(code);
        };
        return { ...rest, request, response: { ...response, parse } };
      };
    },
  };
  return {
    get left() {
      return left.length;
    },
    [Symbol.dispose]() {
      requests[name] = definition;
    },
  };
}
