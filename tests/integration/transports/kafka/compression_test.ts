import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from "kafkajs";
import { patchKafkajs } from "../../../../src/transports/kafka/kafkajs/mod.ts";
import {
  KafkaResultProcessor,
} from "../../../../src/transports/kafka/producer/result_processor.ts";
import type { Bytes } from "../../../../src/core/event.ts";
import {
  type Codec,
  codecOf,
} from "../../../../src/transports/kafka/records/compression/codecs.ts";
import { compressSnappy } from "../../../../src/transports/kafka/records/compression/snappy.ts";
import { bytes } from "../../../support/events.ts";
import {
  freshName,
  freshTopic,
  produceByKcat,
  readTopic,
  testBroker,
} from "../../../support/kafka/broker.ts";
import { resultProcessorConfig } from "../../../support/kafka/config.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

const NEVER = new AbortController().signal;
const BATCH_BYTES = 64 * 1024;
const XERIAL_HEADER = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
const XERIAL_BLOCK_BYTES = 32 * 1024;

patchKafkajs();

const READ: { codec: string; type: CompressionTypes }[] = [
  { codec: "gzip", type: CompressionTypes.GZIP },
  { codec: "snappy", type: CompressionTypes.Snappy },
  { codec: "lz4", type: CompressionTypes.LZ4 },
  { codec: "zstd", type: CompressionTypes.ZSTD },
];

for (const { codec, type } of READ) {
  Deno.test(`KafkaListener reads ${codec} as librdkafka writes it`, async () => {
    const topic = await freshTopic("compression");
    const texts = hardlyCompressible(300);
    using decompressed = watchDecompression(type);

    await produceByKcat(topic, texts.map((text) => `${text}\n`).join(""), [
      ...["-z", codec],
      ...["-X", "linger.ms=500"],
    ]);

    assertEquals(await read(topic, texts.length), texts);
    assertLarge(decompressed.sizes);
  });
}

Deno.test("KafkaListener reads snappy in frames, as Java writes it", async () => {
  const topic = await freshTopic("compression");
  const texts = hardlyCompressible(300);
  using decompressed = watchDecompression(CompressionTypes.Snappy);

  await produceFramed(topic, texts);

  assertEquals(await read(topic, texts.length), texts);
  assertLarge(decompressed.sizes);
  assertEquals([...decompressed.first.subarray(0, 8)], XERIAL_HEADER.slice(0, 8));
});

for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
  Deno.test(`kcat reads ${codec} as KafkaResultProcessor writes it`, async () => {
    const topic = await freshTopic("compression");
    const values = [hardlyCompressible(300).join(), "a".repeat(500_000), ""];
    const context = { pipeline: "compression", log: new RecordedLog().log, limits: DEFAULT_LIMITS };
    const config = resultProcessorConfig({ topic, keys: { "compression.type": codec } });
    await using processor = await KafkaResultProcessor.open(config, context);

    await Promise.all(
      values.map((value) =>
        processor.process({ key: null, value: bytes(value), headers: [] }, NEVER)
      ),
    );

    const stored = (await readTopic(topic)).map(({ value }) => textOf(value));
    // A difference would fill the screen.
    assert(stored.every((text, index) => text === values[index]), "every value as it was written");
    assertEquals(stored.length, values.length);
    assertEquals(await codecsSeen(topic), [codec]);
  });
}

async function read(topic: string, count: number): Promise<string[]> {
  await using listening = await KafkaListening.open({ topic, group: freshName("compression") });
  await listening.received(count);
  return listening.values;
}

/**
 * Texts of a kilobyte of which every codec saves a half and none much more: one that saves nothing is not used, and a
 * batch is to stay large.
 */
function hardlyCompressible(count: number): string[] {
  const random = seededRandom(7);
  const digit = () => Math.floor(random() * 32).toString(32);
  return Array.from({ length: count }, () => Array.from({ length: 512 }, digit).join("").repeat(2));
}

/** Tells what a codec is given to decompress. */
function watchDecompression(type: CompressionTypes) {
  const codec: { inflate: Codec["inflate"] } = codecOf(type)!;
  const original = codec.inflate;
  const watched: Bytes[] = [];
  codec.inflate = (bytes, isWide) => {
    watched.push(bytes);
    return original(bytes, isWide);
  };
  return {
    get sizes() {
      return watched.map(({ length }) => length);
    },
    get first() {
      return watched[0] ?? new Uint8Array();
    },
    [Symbol.dispose]() {
      codec.inflate = original;
    },
  };
}

function assertLarge(sizes: readonly number[]): void {
  assert(sizes.some((size) => size > BATCH_BYTES), `sizes of batches: ${sizes.join(", ")}`);
}

async function produceFramed(topic: string, texts: readonly string[]): Promise<void> {
  const codecs: Record<number, unknown> = CompressionCodecs;
  const original = codecs[CompressionTypes.Snappy];
  codecs[CompressionTypes.Snappy] = () => ({
    async compress({ buffer }: { buffer: Buffer }) {
      const frame = [Buffer.from(XERIAL_HEADER)];
      for (let start = 0; start < buffer.length; start += XERIAL_BLOCK_BYTES) {
        const block = Uint8Array.from(buffer.subarray(start, start + XERIAL_BLOCK_BYTES));
        const compressed = await compressSnappy(block);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(compressed.length);
        frame.push(length, Buffer.from(compressed));
      }
      return Buffer.concat(frame);
    },
  });
  const producer = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING }).producer();
  try {
    await producer.connect();
    await producer.send({
      topic,
      compression: CompressionTypes.Snappy,
      messages: texts.map((value) => ({ value })),
    });
  } finally {
    await producer.disconnect();
    codecs[CompressionTypes.Snappy] = original;
  }
}

/** The codecs of the topic's batches, as a reader meets them. */
async function codecsSeen(topic: string): Promise<string[]> {
  const watches = READ.map(({ codec, type }) => ({ codec, watch: watchDecompression(type) }));
  await read(topic, 1);
  for (const { watch } of watches) watch[Symbol.dispose]();
  return watches.filter(({ watch }) => watch.sizes.length > 0).map(({ codec }) => codec);
}

function textOf(value: Uint8Array | null): string {
  return new TextDecoder().decode(value ?? undefined);
}
