import { type Admin, Kafka, logLevel, type Transaction } from "kafkajs";
import { GuardedChild } from "../bench/guarded_child.ts";
import { patchKafkajs } from "../src/transports/kafka/kafkajs/mod.ts";
import { bytes } from "../tests/support/events.ts";
import { HOSTILE_HEADERS, manyHeaders } from "../tests/support/hostile_headers.ts";
import { produce, type TestRecord } from "../tests/support/kafka/broker.ts";

/** Of events that are too large to be sent back. */
export const LARGE_KEY = "large";

const LARGE_BYTES = 1_000_000;
const MANY_HEADERS = 10_000;
const RECORDS_EACH = 20;
const CODECS = ["gzip", "snappy", "lz4", "zstd"];

const NO_TEXT = new Uint8Array([0xff, 0xfe, 0x00, 0xc3, 0x28, 0x0a, 0x09, 0x80]);
const INJECTION = "1\r\neventor-offset: 999999999\r\n\r\n";

/** Records that are all that the protocol admits. */
const RECORDS: readonly TestRecord[] = [
  { key: null, value: "no key" },
  { key: "no-value", value: null },
  { key: null, value: null },
  { key: "", value: "" },
  { key: "no-text", value: NO_TEXT },
  { key: NO_TEXT, value: NO_TEXT },
  { key: INJECTION, value: INJECTION },
  { key: LARGE_KEY, value: new Uint8Array(LARGE_BYTES).fill(0x61) },
  { key: "k".repeat(20_000), value: "a key that no header can hold" },
  { key: "many-headers", value: "many headers", headers: manyHeaders(MANY_HEADERS) },
  { key: "headers", value: "headers", headers: HOSTILE_HEADERS },
  {
    key: "injection",
    value: "headers that would go on in the next line",
    headers: [
      ["content-type", bytes(`text/plain${INJECTION}`)],
      ["traceparent", bytes(INJECTION)],
      [`name${INJECTION}`, bytes("value")],
      ["value", bytes(INJECTION)],
      ["eventor-source-offset", bytes("999999999")],
      ["eventor-idempotency-key", bytes(INJECTION)],
      ["eventor-dead-letter-redrives", bytes(INJECTION)],
      ["eventor-dead-letter-first-failed-at", bytes(INJECTION)],
    ],
  },
];

/** A topic, and where it is. */
export interface Target {
  readonly broker: string;
  readonly topic: string;
  readonly partitions: number;
}

/** Sends records that are not as usual, in all encodings, some of them in transactions of which one is aborted. */
export async function sendHostile(target: Target): Promise<void> {
  await produce(target.topic, RECORDS, target);
  for (const codec of CODECS) await sendCompressed(target, codec);
  await sendTransactions(target);
}

/** By a client that compresses as others do. */
async function sendCompressed({ broker, topic }: Target, codec: string): Promise<void> {
  await using child = new GuardedChild("kcat", {
    args: ["-b", broker, "-P", "-t", topic, "-z", codec, "-K", "\t"],
    stdin: "piped",
    stderr: "inherit",
  });
  const line = `${codec}\tcompressed by ${codec} ${"again and ".repeat(50)}again\n`;
  const writer = child.process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(line.repeat(RECORDS_EACH)));
  await writer.close();
  if (!(await child.ended).success) throw new Error(`kcat cannot send by ${codec} to ${broker}`);
}

/** Each leaves a record without an event behind in every partition; the events of aborted ones are none. */
async function sendTransactions({ broker, topic, partitions }: Target): Promise<void> {
  patchKafkajs();
  const producer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).producer({
    transactionalId: `faults-${crypto.randomUUID()}`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const send = (transaction: Transaction, value: string) =>
    transaction.send({
      topic,
      acks: -1,
      messages: Array.from(
        { length: RECORDS_EACH * partitions },
        (_, number) => ({ key: "transaction", value, partition: number % partitions }),
      ),
    });
  try {
    const aborted = await producer.transaction();
    await send(aborted, "of an aborted transaction");
    await aborted.abort();
    const committed = await producer.transaction();
    await send(committed, "of a committed transaction");
    await committed.commit();
  } finally {
    await producer.disconnect();
  }
}

/** Deletes the first records of each partition. */
export function deleteFirst({ broker, topic, partitions }: Target, count: number): Promise<void> {
  return withAdmin({ broker, topic }, (admin) =>
    admin.deleteTopicRecords({
      topic,
      partitions: Array.from(
        { length: partitions },
        (_, partition) => ({ partition, offset: `${count}` }),
      ),
    }));
}

/** The sum of the offsets at which the partitions end: what the group has committed when all is done. */
export function endOf({ broker, topic }: Target): Promise<number> {
  return withAdmin({ broker, topic }, async (admin) => {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  });
}

async function withAdmin<T>(
  { broker, topic }: { broker: string; topic: string },
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    // Otherwise it knows of no leader that it could ask.
    await admin.fetchTopicMetadata({ topics: [topic] });
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}
