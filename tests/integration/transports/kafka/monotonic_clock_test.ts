import { assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { committedOffsets, freshName, freshTopic, produce } from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

/** The shortest that brokers accept by default. */
const SESSION_TIMEOUT_MS = 6000;
const HOUR_MS = 3_600_000;

const systemNow = Date.now;
let jumpMs = 0;
// Before the first client, so that clients find a system whose clock can be set.
Date.now = () => systemNow() + jumpMs;

Deno.test("KafkaListener remains a member and commits, when the clock is set back and forth", async () => {
  const topic = await freshTopic("clock");
  const group = freshName("clock");
  const keys = { "session.timeout.ms": SESSION_TIMEOUT_MS, "heartbeat.interval.ms": 500 };
  await using listening = await KafkaListening.open({ topic, group, keys });
  const handles = async (count: number) => {
    await produce(topic, [{ value: `${count}` }]);
    await listening.received(count);
    await eventually(async () => (await committedOffsets(group, topic)).get(0) === count, {
      what: `the commit of offset ${count}`,
    });
  };
  await handles(1);

  jumpMs = -HOUR_MS;
  const sessionEnds = performance.now() + SESSION_TIMEOUT_MS + 1000;
  await eventually(() => performance.now() > sessionEnds, {
    deadlineMs: SESSION_TIMEOUT_MS + 2000,
    what: "the end of a session without heartbeats",
  });
  await handles(2);
  jumpMs = HOUR_MS;
  await handles(3);

  assertEquals(listening.log.matching(/^(INFO|WARN|ERROR)/), [
    `INFO - joined group '${group}': partitions 0 of ${topic}`,
  ]);
});
