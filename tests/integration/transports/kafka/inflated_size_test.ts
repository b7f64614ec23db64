import { assert, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createGzip } from "node:zlib";
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from "kafkajs";
import { freshName, freshTopic, testBroker } from "../../../support/kafka.ts";
import { KafkaListening } from "../../../support/kafka_listening.ts";

const MEBIBYTE = 1024 * 1024;
const INFLATED_MEBIBYTES = 300;
/** What memory may grow by: the limit of 64 MiB once in parts and once as a whole, and what else a listener takes. */
const MAX_GROWTH = 200 * MEBIBYTE;

Deno.test("KafkaListener ends in time and says why, when a small batch would take 300 MB", async () => {
  const topic = await freshTopic("inflated");
  await produceBomb(topic, await bomb());
  const { rss: before } = Deno.memoryUsage();
  let highest = before;

  const listening = await KafkaListening.open({ topic, group: freshName("inflated") });
  const sampler = setInterval(() => highest = Math.max(highest, Deno.memoryUsage().rss), 1);
  try {
    await assertRejects(
      () => listening.ended,
      Error,
      `cannot read ${topic}[0] up to offset 0: cannot decompress gzip: it takes more than 64 MiB ` +
        "uncompressed; to go on without these events, set the group's offset there to 1",
    );
  } finally {
    clearInterval(sampler);
    await listening[Symbol.asyncDispose]().catch(() => {});
  }

  const growth = Math.round((highest - before) / MEBIBYTE);
  assert(highest - before < MAX_GROWTH, `memory grew by ${growth} MiB`);
});

/** What a batch of one record holds, compressed. */
async function bomb(): Promise<Buffer> {
  const valueLength = INFLATED_MEBIBYTES * MEBIBYTE;
  const beforeValue = [0, 0, 0, ...varint(-1), ...varint(valueLength)];
  const length = beforeValue.length + valueLength + 1;
  const compressed: Uint8Array[] = [];
  const gzip = createGzip();
  gzip.on("data", (part: Uint8Array) => compressed.push(part));
  gzip.write(Uint8Array.of(...varint(length), ...beforeValue));
  const zeros = new Uint8Array(MEBIBYTE);
  for (let count = 0; count < INFLATED_MEBIBYTES; count++) {
    if (!gzip.write(zeros)) await once(gzip, "drain");
  }
  gzip.end(Uint8Array.of(0));
  await once(gzip, "end");
  return Buffer.concat(compressed);
}

/** A number of variable length, as records have them. */
function varint(number: number): number[] {
  const bytes: number[] = [];
  let rest = number < 0 ? -2 * number - 1 : 2 * number;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push(rest % 128 | 0x80);
  return [...bytes, rest];
}

async function produceBomb(topic: string, compressed: Buffer): Promise<void> {
  const codecs: Record<number, unknown> = CompressionCodecs;
  const original = codecs[CompressionTypes.GZIP];
  codecs[CompressionTypes.GZIP] = () => ({ compress: () => Promise.resolve(compressed) });
  const producer = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING }).producer();
  try {
    await producer.connect();
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: [{ value: "" }] });
  } finally {
    await producer.disconnect();
    codecs[CompressionTypes.GZIP] = original;
  }
}
