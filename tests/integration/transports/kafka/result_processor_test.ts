import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Bytes } from "../../../../src/event.ts";
import { type OutboundRecord, ResultProcessorError } from "../../../../src/result_processor.ts";
import { KafkaResultProcessor } from "../../../../src/transports/kafka/result_processor.ts";
import { createTopics } from "../../../../tools/kafka/mod.ts";
import { bytes } from "../../../support/events.ts";
import {
  freshName,
  freshTopic,
  readTopic,
  type StoredRecord,
  testBroker,
} from "../../../support/kafka.ts";
import { resultProcessorConfig } from "../../../support/kafka_config.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

Deno.test("KafkaResultProcessor stores keys and values byte for byte, and keeps null and empty apart", async () => {
  const topic = await freshTopic("results");
  const records: [key: Bytes | null, value: Bytes | null][] = [
    [ALL_BYTES, ALL_BYTES],
    [null, bytes("value")],
    [new Uint8Array(), new Uint8Array()],
    [bytes("key"), null],
    [null, null],
    [ALL_BYTES.subarray(3, 5), ALL_BYTES.subarray(200, 256)],
  ];
  await using processor = await open({ topic });

  for (const [key, value] of records) {
    await processor.process({ key, value, headers: [] });
  }

  const stored = await readTopic(topic);
  assertEquals(stored.map(({ key, value }) => [key, value]), records.map((pair) => [...pair]));
});

Deno.test("KafkaResultProcessor stores a value of 900,000 bytes", async () => {
  const topic = await freshTopic("results");
  const value = Uint8Array.from({ length: 900_000 }, (_, index) => index * 31);
  await using processor = await open({ topic });
  await processor.process({ key: null, value, headers: [] });
  const [stored] = await readTopic(topic);
  assert(stored?.value?.every((byte, index) => byte === value[index]));
  assertEquals(stored?.value?.length, value.length);
});

Deno.test("KafkaResultProcessor says where it stored a record", async () => {
  const topic = await freshTopic("results", { partitions: 3 });
  await using processor = await open({ topic });
  const texts = Array.from({ length: 30 }, (_, number) => `${number}`);

  const places = await Promise.all(texts.map((text) => processor.process(aRecord(text))));

  const stored = await readTopic(topic);
  assertEquals(
    places.map((place) => ({ ...place, value: valueAt(stored, place) })),
    places.map((place, index) => ({ ...place, topic, value: texts[index] })),
  );
});

Deno.test("KafkaResultProcessor stores records of one key in one partition, in order", async () => {
  const topic = await freshTopic("results", { partitions: 3 });
  await using processor = await open({ topic });
  const places = [];
  for (let number = 0; number < 5; number++) {
    places.push(await processor.process({ ...aRecord(`${number}`), key: bytes("key") }));
  }
  assertEquals(places.map(({ offset }) => offset), [0, 1, 2, 3, 4]);
});

Deno.test("KafkaResultProcessor does not open, when its topic does not exist, and says what to do", async () => {
  const topic = freshName("missing");
  await assertRejects(
    () => open({ topic }),
    Error,
    `topic '${topic}' does not exist on ${testBroker()}; create it, or correct 'topic'`,
  );
});

Deno.test("KafkaResultProcessor names the topic and not the payload, when the broker refuses a record", async () => {
  const topic = freshName("narrow");
  await createTopics(testBroker(), [{ topic, config: { "max.message.bytes": "1000" } }]);
  await using processor = await open({ topic });

  const error = await assertRejects(
    () => processor.process(aRecord("PAYLOAD".repeat(1000))),
    ResultProcessorError,
    `topic '${topic}': `,
  );

  assert(!error.message.includes("PAYLOAD"), error.message);
  await processor.process(aRecord("small"));
  assertEquals((await readTopic(topic)).map(textOf), ["small"]);
});

for (const keys of [{ acks: 1 }, { "enable.idempotence": true }]) {
  Deno.test(`KafkaResultProcessor stores with ${JSON.stringify(keys)}`, async () => {
    const topic = await freshTopic("results");
    await using processor = await open({ topic, keys });
    const places = await Promise.all(
      ["a", "b", "c"].map((text) => processor.process(aRecord(text))),
    );
    assertEquals(places.map(({ offset }) => offset).sort(), [0, 1, 2]);
    assertEquals((await readTopic(topic)).map(textOf).sort(), ["a", "b", "c"]);
  });
}

function open(
  options: { topic: string; keys?: Record<string, unknown> },
): Promise<KafkaResultProcessor> {
  const context = { pipeline: "results", log: new RecordedLog().log, limits: DEFAULT_LIMITS };
  return KafkaResultProcessor.open(resultProcessorConfig(options), context);
}

function aRecord(value: string): OutboundRecord {
  return { key: null, value: bytes(value), headers: [] };
}

function textOf({ value }: { value: Bytes | null }): string {
  return new TextDecoder().decode(value ?? undefined);
}

function valueAt(
  records: readonly StoredRecord[],
  place: { partition: number; offset: number },
): string | undefined {
  const found = records.find(({ partition, offset }) =>
    partition === place.partition && offset === place.offset
  );
  return found && textOf(found);
}
