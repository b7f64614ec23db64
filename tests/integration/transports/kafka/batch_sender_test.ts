import { assertEquals } from "@std/assert";
import {
  Batch,
  type WaitingRecord,
} from "../../../../src/transports/kafka/producer/partition_queue.ts";
import { recordSize } from "../../../../src/transports/kafka/records/record_writer.ts";
import { BatchSender } from "../../../../src/transports/kafka/producer/batch_sender.ts";
import { BrokerAdmin } from "../../../../faults/broker_admin.ts";
import { bytes } from "../../../support/events.ts";
import { eventually } from "../../../support/eventually.ts";
import { freshName, freshTopic, readTopic, testBroker } from "../../../support/kafka/broker.ts";
import { resultProcessorConfig } from "../../../support/kafka/config.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const KEYS = { "enable.idempotence": true };

Deno.test("BatchSender stores a batch once that is sent twice, with enable.idempotence", async () => {
  const topic = await freshTopic("twice");
  const sender = await BatchSender.open(resultProcessorConfig({ topic, keys: KEYS }), aContext());
  const leader = sender.leaderOf(0);
  // A broker that was just started refuses to number producers until it has read what it knows of them.
  await eventually(async () => {
    const [outcome] = await sender.send(leader, [aBatch("first")]);
    return outcome !== undefined && "offset" in outcome;
  }, { deadlineMs: 20_000, what: "a batch that is stored" });
  for (const batch of [aBatch("a"), aBatch("b", "c"), aBatch("d")]) {
    const first = await sender.send(leader, [batch]);
    assertEquals(await sender.send(leader, [batch]), first);
  }
  await sender.close();
  assertEquals(await textsIn(topic), ["first", "a", "b", "c", "d"]);
});

Deno.test("BatchSender says that a topic may have been deleted, when its broker does not have it any more", async () => {
  const topic = await freshTopic("deleted");
  const sender = await BatchSender.open(resultProcessorConfig({ topic }), aContext());
  const leader = sender.leaderOf(0);
  await new BrokerAdmin(testBroker()).deleteTopic(topic);
  let said = "";
  await eventually(async () => {
    const [outcome] = await sender.send(leader, [aBatch("late")]);
    said = outcome !== undefined && "error" in outcome ? outcome.error.message : "";
    return said.includes("the topic may have been deleted (UNKNOWN_TOPIC_OR_PARTITION)");
  }, { deadlineMs: 20_000, what: () => `the reason, found ${said}` });
  await sender.close();
});

Deno.test("BatchSender tells for how long a broker stores nothing more, when a quota is used up", async () => {
  const topic = await freshTopic("quota");
  const clientId = freshName("client");
  const admin = new BrokerAdmin(testBroker());
  await admin.setQuota(clientId, 100);
  const log = new RecordedLog();
  const keys = { "client.id": clientId };
  const sender = await BatchSender.open(resultProcessorConfig({ topic, keys }), aContext(log));
  try {
    const told = () =>
      log.matching(/WARN.*broker \d+ stores nothing more in topic '.*' for [\d.]+ s: .*quota/);
    // The broker learns of a quota after it was set.
    await eventually(async () => {
      if (told().length === 0) await sender.send(sender.leaderOf(0), [aBatch("x".repeat(9000))]);
      return told().length > 0;
    }, { deadlineMs: 30_000, what: () => `a line that tells of the quota in ${log.lines}` });
  } finally {
    await sender.close();
    await admin.setQuota(clientId, null);
  }
});

function aContext(log = new RecordedLog()) {
  return { pipeline: "orders", log: log.log, limits: DEFAULT_LIMITS };
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
