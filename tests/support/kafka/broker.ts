import { Buffer } from "node:buffer";
import { Kafka, logLevel, type Message } from "kafkajs";
import type { Bytes, RecordHeader } from "../../../src/core/event.ts";
import { patchKafkajs } from "../../../src/transports/kafka/kafkajs/mod.ts";
import { createTopics } from "../../../tools/kafka/mod.ts";
import { useListHeaders } from "./list_headers.ts";

/** The broker that the test task has started. */
export function testBroker(): string {
  const broker = Deno.env.get("EVENTOR_TEST_BROKER");
  if (broker === undefined) {
    throw new Error("EVENTOR_TEST_BROKER is not set; run the tests by 'deno task test'");
  }
  return broker;
}

/** The same broker by another name. */
export function testBrokerByOtherName(): string {
  const [host, port] = testBroker().split(":");
  return `${host === "localhost" ? "127.0.0.1" : "localhost"}:${port}`;
}

/** A name that no other test has, for topics and groups. */
export function freshName(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Creates a topic of a fresh name. */
export async function freshTopic(
  prefix: string,
  { partitions = 1, broker = testBroker(), config = {} }: {
    partitions?: number;
    broker?: string;
    config?: Record<string, string>;
  } = {},
): Promise<string> {
  const topic = freshName(prefix);
  await createTopics(broker, [{ topic, partitions, config }]);
  return topic;
}

/** Gives a topic more partitions. */
export async function addPartitions(topic: string, count: number): Promise<void> {
  const admin = testClient(testBroker()).admin();
  await admin.connect();
  try {
    await admin.createPartitions({ topicPartitions: [{ topic, count }] });
  } finally {
    await admin.disconnect();
  }
}

/** The last field of each member's subscription: how many partitions a pipeline says that its topic has. */
export async function declaredPartitions(group: string): Promise<number[]> {
  const admin = testClient(testBroker()).admin();
  await admin.connect();
  try {
    const { groups: [described] } = await admin.describeGroups([group]);
    // Empty while the group rebalances.
    return (described?.members ?? []).map(({ memberMetadata }) =>
      memberMetadata.length < 4 ? 0 : memberMetadata.readInt32BE(memberMetadata.length - 4)
    );
  } finally {
    await admin.disconnect();
  }
}

/** Deletes the records of partitions that are below an offset, or all when it is -1. */
export async function deleteRecords(
  topic: string,
  offsets: Readonly<Record<number, number>>,
): Promise<void> {
  const admin = testClient(testBroker()).admin();
  await admin.connect();
  try {
    const partitions = Object.entries(offsets)
      .map(([partition, offset]) => ({ partition: Number(partition), offset: `${offset}` }));
    await admin.fetchTopicOffsets(topic); // by which the client learns of the topic
    await admin.deleteTopicRecords({ topic, partitions });
  } finally {
    await admin.disconnect();
  }
}

/** A record to be produced; partitions are chosen by key unless given. */
export interface TestRecord {
  readonly key?: Bytes | string | null;
  readonly value: Bytes | string | null;
  readonly headers?: readonly RecordHeader[];
  readonly partition?: number;
}

/** Produces records in order, in requests of a few hundred records, which stay below what a broker takes. */
export async function produce(
  topic: string,
  records: readonly TestRecord[],
  { broker = testBroker() }: { broker?: string } = {},
): Promise<void> {
  useListHeaders();
  const producer = testClient(broker).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    // kafkajs repeats a request as a whole when one of its partitions is not ready yet: those that are would get their
    // records twice.
    for (const ofPartition of Map.groupBy(records, ({ partition }) => partition).values()) {
      await send(ofPartition);
    }
  } finally {
    await producer.disconnect();
  }

  async function send(records: readonly TestRecord[]): Promise<void> {
    let messages: Message[] = [];
    let bytes = 0;
    for (const message of records.map(toMessage)) {
      const size = message.value?.length ?? 0;
      if (messages.length > 0 && (messages.length >= 200 || bytes + size > 500_000)) {
        await producer.send({ topic, acks: -1, messages });
        messages = [];
        bytes = 0;
      }
      messages.push(message);
      bytes += size;
    }
    await producer.send({ topic, acks: -1, messages });
  }
}

/** The group's committed offsets of a topic, by partition; -1 for none. */
export async function committedOffsets(
  group: string,
  topic: string,
  { broker = testBroker() }: { broker?: string } = {},
): Promise<Map<number, number>> {
  const admin = testClient(broker).admin();
  await admin.connect();
  try {
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    return new Map(offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  } finally {
    await admin.disconnect();
  }
}

/** Sets the offset of a group without members in the first partition of a topic. */
export async function commitOffset(group: string, topic: string, offset: number): Promise<void> {
  const admin = testClient(testBroker()).admin();
  await admin.connect();
  try {
    const partitions = [{ partition: 0, offset: `${offset}` }];
    await admin.setOffsets({ groupId: group, topic, partitions });
  } finally {
    await admin.disconnect();
  }
}

/** What a topic holds, as kcat read it: a client that shares no code with ours. */
export interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  /** kcat's form: `a=1,b=NULL`. */
  readonly headers: string;
}

/** Reads a topic from its beginning to its end, or some of its partitions. */
export async function readTopic(
  topic: string,
  { broker = testBroker(), partitions }: {
    broker?: string;
    partitions?: readonly number[];
  } = {},
): Promise<StoredRecord[]> {
  if (partitions !== undefined) {
    const read = partitions.map((partition) => readByKcat(topic, broker, ["-p", `${partition}`]));
    return (await Promise.all(read)).flat();
  }
  return await readByKcat(topic, broker);
}

async function readByKcat(
  topic: string,
  broker: string,
  options: readonly string[] = [],
): Promise<StoredRecord[]> {
  const format = "%p %o %K %S %h\\n%k%s\\n";
  const { success, stdout, stderr } = await new Deno.Command("kcat", {
    args: ["-b", broker, "-t", topic, "-C", "-e", "-q", "-f", format, ...options],
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`kcat failed: ${new TextDecoder().decode(stderr)}`);
  return parseRecords(stdout);
}

/** Sends records by kcat, one a line of `input`. */
export async function produceByKcat(
  topic: string,
  input: string,
  options: readonly string[] = [],
): Promise<void> {
  const child = new Deno.Command("kcat", {
    args: ["-b", testBroker(), "-t", topic, "-P", ...options],
    stdin: "piped",
    stdout: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  if (!(await child.status).success) throw new Error("kcat failed to produce");
}

function testClient(broker: string): Kafka {
  patchKafkajs();
  return new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
}

function toMessage({ key = null, value, headers = [], partition }: TestRecord): Message {
  return {
    key: toBuffer(key),
    value: toBuffer(value),
    headers: headers as unknown as NonNullable<Message["headers"]>,
    ...(partition === undefined ? {} : { partition }),
  };
}

function toBuffer(bytes: Bytes | string | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}

function parseRecords(bytes: Bytes): StoredRecord[] {
  const records: StoredRecord[] = [];
  const decoder = new TextDecoder();
  let position = 0;
  function take(length: number): Bytes | null {
    if (length < 0) return null;
    position += length;
    return bytes.slice(position - length, position);
  }
  while (position < bytes.length) {
    const end = bytes.indexOf(0x0a, position);
    const line = decoder.decode(bytes.subarray(position, end));
    const [partition, offset, keyLength, valueLength, ...headers] = line.split(" ");
    position = end + 1;
    records.push({
      partition: Number(partition),
      offset: Number(offset),
      key: take(Number(keyLength)),
      value: take(Number(valueLength)),
      headers: headers.join(" "),
    });
    position++;
  }
  return records;
}
