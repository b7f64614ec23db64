import { assertEquals } from "@std/assert";
import {
  Batch,
  type WaitingRecord,
} from "../../../../src/transports/kafka/producer/partition_queue.ts";
import { recordSize } from "../../../../src/transports/kafka/producer/record_writer.ts";
import { TopicLeaders } from "../../../../src/transports/kafka/producer/topic_leaders.ts";
import { bytes } from "../../../support/events.ts";
import { freshTopic, readTopic } from "../../../support/kafka.ts";
import { resultProcessorConfig } from "../../../support/kafka_config.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const KEYS = { "enable.idempotence": true };

Deno.test("TopicLeaders stores a batch once that is sent twice, with enable.idempotence", async () => {
  const topic = await freshTopic("twice");
  const leaders = await TopicLeaders.open(resultProcessorConfig({ topic, keys: KEYS }), aContext());
  const leader = leaders.leaderOf(0);
  for (const batch of [aBatch("a"), aBatch("b", "c"), aBatch("d")]) {
    const first = await leaders.store(leader, [batch]);
    assertEquals(await leaders.store(leader, [batch]), first);
  }
  await leaders.close();
  assertEquals(await textsIn(topic), ["a", "b", "c", "d"]);
});

function aContext() {
  return { pipeline: "orders", log: new RecordedLog().log, limits: DEFAULT_LIMITS };
}

function aBatch(...texts: string[]): Batch {
  return new Batch(
    0,
    texts.map((text): WaitingRecord => {
      const record = { key: null, value: bytes(text), headers: [] };
      const signal = new AbortController().signal;
      return { ...record, size: recordSize(record), signal, resolve: () => {}, reject: () => {} };
    }),
  );
}

async function textsIn(topic: string): Promise<string[]> {
  return (await readTopic(topic)).map(({ value }) => new TextDecoder().decode(value ?? undefined));
}
