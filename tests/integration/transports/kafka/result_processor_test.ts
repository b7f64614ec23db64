import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Bytes } from "../../../../src/core/event.ts";
import type { Logger } from "../../../../src/core/log.ts";
import {
  type OutboundRecord,
  ResultProcessorError,
} from "../../../../src/core/result_processor.ts";
import {
  KafkaResultProcessor,
} from "../../../../src/transports/kafka/producer/result_processor.ts";
import { createTopics } from "../../../../tools/kafka/mod.ts";
import { bytes } from "../../../support/events.ts";
import { everythingSettled } from "../../../support/eventually.ts";
import { freshName, freshTopic, readTopic, testBroker } from "../../../support/kafka/broker.ts";
import { resultProcessorConfig } from "../../../support/kafka/config.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { TcpProxy } from "../../../support/network/tcp_proxy.ts";

const NEVER = new AbortController().signal;

Deno.test("KafkaResultProcessor stores a value of 900,000 bytes", async () => {
  const topic = await freshTopic("results");
  const value = Uint8Array.from({ length: 900_000 }, (_, index) => index * 31);
  await using processor = await open({ topic });
  await processor.process({ key: null, value, headers: [] }, NEVER);
  const [stored] = await readTopic(topic);
  assert(stored?.value?.every((byte, index) => byte === value[index]));
  assertEquals(stored?.value?.length, value.length);
});

for (const keys of [{}, { "compression.type": "zstd" }, { "enable.idempotence": true }]) {
  Deno.test(`KafkaResultProcessor says where it stored each of many records, with ${JSON.stringify(keys)}`, async () => {
    const topic = await freshTopic("results", { partitions: 6 });
    await using processor = await open({ topic, keys });
    const texts = Array.from({ length: 3000 }, (_, number) => `${number}`);

    const places: string[] = [];
    await Promise.all(Array.from({ length: 200 }, async () => {
      for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
        const key = Number(text) % 7 === 0 ? null : bytes(`key ${Number(text) % 50}`);
        places[Number(text)] = await processor.process({ ...aRecord(text), key }, NEVER);
      }
    }));

    const stored = await readTopic(topic);
    const found = new Map(stored.map((record) => [placeOf(topic, record), textOf(record)]));
    assertEquals(stored.length, places.length);
    assertEquals(
      places.map((place) => found.get(place)),
      places.map((_, number) => `${number}`),
    );
    assertEquals(new Set(stored.map(({ partition }) => partition)).size, 6);
  });
}

Deno.test("KafkaResultProcessor stores records of one key in one partition, in order", async () => {
  const topic = await freshTopic("results", { partitions: 3 });
  await using processor = await open({ topic });
  const places = [];
  for (let number = 0; number < 5; number++) {
    places.push(await processor.process({ ...aRecord(`${number}`), key: bytes("key") }, NEVER));
  }
  assertEquals(places.map((place) => place.split("@")[1]), ["0", "1", "2", "3", "4"]);
});

Deno.test("KafkaResultProcessor does not open, when its topic does not exist, and says what to do", async () => {
  const topic = freshName("missing");
  await assertRejects(
    () => open({ topic }),
    Error,
    `topic '${topic}' does not exist on ${testBroker()}; create it, or correct 'topic'`,
  );
});

Deno.test("KafkaResultProcessor sends no record that is larger than message.max.bytes, and says so", async () => {
  const topic = await freshTopic("results");
  await using processor = await open({ topic, keys: { "message.max.bytes": 2000 } });
  const results = await Promise.allSettled(
    ["a", "b".repeat(3000), "c"].map((text) => processor.process(aRecord(text), NEVER)),
  );
  assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assertEquals(
    results.map((result) => result.status === "rejected" ? result.reason.message : ""),
    ["", `topic '${topic}': a record of 3086 bytes is not sent, as message.max.bytes is 2000`, ""],
  );
  assertEquals((await readTopic(topic)).map(textOf), ["a", "c"]);
});

Deno.test("KafkaResultProcessor stores each neighbour of a record that its topic refuses as too large, once", async () => {
  const topic = freshName("narrow");
  const config = { "max.message.bytes": "10000" };
  await createTopics(testBroker(), [{ topic, config, partitions: 3 }]);
  await using processor = await open({ topic });
  const texts = Array.from({ length: 100 }, (_, number) => `${number}`.padStart(200));
  const large = "x".repeat(20_000);
  texts.splice(30, 0, large);

  const results = await publishAll(
    processor,
    texts.map((text) => ({
      ...aRecord(text),
      key: bytes(text.slice(-1)),
    })),
  );

  assertEquals(results.map((reason) => reason === undefined), texts.map((text) => text !== large));
  const [refusal] = results.filter((reason) => reason instanceof ResultProcessorError);
  assertEquals(
    refusal?.message,
    `topic '${topic}': The request included a message larger than the max message size the ` +
      "server will accept",
  );
  assertEquals(
    (await readTopic(topic)).map(textOf).sort(),
    texts.filter((text) => text !== large).sort(),
  );
});

Deno.test("KafkaResultProcessor stores records once in a topic that takes small batches only", async () => {
  const topic = freshName("narrow");
  await createTopics(testBroker(), [{ topic, config: { "max.message.bytes": "5000" } }]);
  await using processor = await open({ topic });
  const texts = Array.from({ length: 1000 }, (_, number) => `${number}`.padStart(200));
  const results = await publishAll(processor, texts.map(aRecord));
  assertEquals(results.filter((reason) => reason !== undefined), []);
  assertEquals((await readTopic(topic)).map(textOf), texts);
});

Deno.test("KafkaResultProcessor fails only the record without a key in a compacted topic", async () => {
  const topic = freshName("compacted");
  await createTopics(testBroker(), [{ topic, config: { "cleanup.policy": "compact" } }]);
  await using processor = await open({ topic });
  const records = Array.from({ length: 50 }, (_, number) => ({
    ...aRecord(`${number}`),
    key: number === 20 ? null : bytes(`${number}`),
  }));
  const results = await publishAll(processor, records);
  assertEquals(
    results.map((reason) => reason instanceof ResultProcessorError),
    records.map(({ key }) => key === null),
  );
  assertEquals(
    (await readTopic(topic)).map(textOf),
    records.filter(({ key }) => key !== null).map(textOf),
  );
});

for (const keys of [{ acks: 1 }, { "linger.ms": 20 }]) {
  Deno.test(`KafkaResultProcessor stores with ${JSON.stringify(keys)}`, async () => {
    const topic = await freshTopic("results");
    await using processor = await open({ topic, keys });
    const places = await Promise.all(
      ["a", "b", "c"].map((text) => processor.process(aRecord(text), NEVER)),
    );
    assertEquals(places, [0, 1, 2].map((offset) => `${topic}[0]@${offset}`));
    assertEquals((await readTopic(topic)).map(textOf), ["a", "b", "c"]);
  });
}

Deno.test("KafkaResultProcessor stores a record once whose acknowledgement is lost, with enable.idempotence", async () => {
  await using proxy = new TcpProxy(testBroker());
  const topic = await freshTopic("results");
  await using processor = await open({ topic, keys: idempotentThrough(proxy) });
  await processor.process(aRecord("first"), NEVER);
  proxy.loseAnswers();
  const place = await processor.process(aRecord("unanswered"), NEVER);
  assertEquals(place, `${topic}[0]@1`);
  await processor.process(aRecord("next"), NEVER);
  assertEquals((await readTopic(topic)).map(textOf), ["first", "unanswered", "next"]);
});

// A broker takes a batch for the one whose numbers it has, whatever is in it.
Deno.test("KafkaResultProcessor loses no record after one whose fate is unknown, with enable.idempotence", async () => {
  await using proxy = new TcpProxy(testBroker());
  const topic = await freshTopic("results");
  await using processor = await open({ topic, keys: idempotentThrough(proxy) });
  const lease = new AbortController();
  await processor.process(aRecord("first"), NEVER);
  proxy.loseAnswers();
  const unanswered = assertRejects(
    () => processor.process(aRecord("unanswered"), lease.signal),
    ResultProcessorError,
  );
  await everythingSettled();
  const next = processor.process(aRecord("next"), NEVER);
  lease.abort();
  await Promise.all([unanswered, next]);
  assertEquals((await readTopic(topic)).map(textOf), ["first", "unanswered", "next"]);
});

/** Publishes all at once; tells for each record why it was not stored, or `undefined` when it was. */
async function publishAll(
  processor: KafkaResultProcessor,
  records: readonly OutboundRecord[],
): Promise<unknown[]> {
  const results = await Promise.allSettled(
    records.map((record) => processor.process(record, NEVER)),
  );
  return results.map((result) => result.status === "rejected" ? result.reason : undefined);
}

Deno.test("KafkaResultProcessor says once that events go back to another topic than they came from", async () => {
  const topic = await freshTopic("moved");
  const recorded = new RecordedLog();
  await using processor = await open({ topic, log: recorded.log });
  for (const from of [topic, "FORMER\n", "FORMER\n"]) {
    const putBackTo = new Map([["topic", from], ["partition", "0"]]);
    await processor.process({ ...aRecord("back"), putBackTo }, NEVER);
  }
  assertEquals(recorded.lines, [
    `WARN - events of topic FORMER%0A go to ${topic}, which the pipeline reads now; keys decide on partitions`,
  ]);
});

function open(
  { log = new RecordedLog().log, ...options }: {
    topic: string;
    keys?: Record<string, unknown>;
    log?: Logger;
  },
): Promise<KafkaResultProcessor> {
  const context = { pipeline: "results", log, limits: DEFAULT_LIMITS };
  return KafkaResultProcessor.open(resultProcessorConfig(options), context);
}

function idempotentThrough(proxy: TcpProxy): Record<string, unknown> {
  return {
    "bootstrap.servers": proxy.address,
    "enable.idempotence": true,
    "request.timeout.ms": 500,
    "socket.timeout.ms": 1500,
    "retry.backoff.ms": 10,
  };
}

function aRecord(value: string): OutboundRecord {
  return { key: null, value: bytes(value), headers: [] };
}

function textOf({ value }: { value: Bytes | null }): string {
  return new TextDecoder().decode(value ?? undefined);
}

function placeOf(
  topic: string,
  { partition, offset }: { partition: number; offset: number },
): string {
  return `${topic}[${partition}]@${offset}`;
}
