import { setTimeout as sleep } from "node:timers/promises";
import { metadata } from "./metadata.ts";
import { array, int16, int32, int8, request, string } from "./protocol.ts";

/** A topic that is to be. */
export interface NewTopic {
  readonly topic: string;
  readonly partitions?: number;
  /** The brokers of each partition, the preferred leader first; instead of `partitions`. */
  readonly replicas?: readonly (readonly number[])[];
  readonly config?: Record<string, string>;
}

const DEADLINE_MS = 20_000;
const POLL_INTERVAL_MS = 25;

/**
 * Creates topics and waits until they can be used.
 *
 * @throws {Error} when one exists already
 */
export async function createTopics(bootstrapServer: string, topics: NewTopic[]): Promise<void> {
  const response = await request(bootstrapServer, {
    key: 19,
    version: 2,
    deadlineMs: DEADLINE_MS,
  }, [
    array(topics, ({ topic, partitions = 1, replicas = [], config = {} }) => [
      string(topic),
      int32(replicas.length === 0 ? partitions : -1),
      int16(-1), // as many replicas as is the default of the broker
      array([...replicas.entries()], ([partition, brokers]) => [
        int32(partition),
        array([...brokers], (broker) => [int32(broker)]),
      ]),
      array(Object.entries(config), ([name, value]) => [string(name), string(value)]),
    ]),
    int32(DEADLINE_MS),
    int8(0), // not only validated
  ]);
  response.int32(); // throttle time
  const problems: string[] = [];
  for (let count = response.int32(); count > 0; count--) {
    const topic = response.string();
    const code = response.int16();
    const message = response.string();
    if (code !== 0) problems.push(`${topic}: ${message ?? "no reason given"} (error code ${code})`);
  }
  if (problems.length > 0) {
    throw new Error(`${bootstrapServer} does not create topics: ${problems.join("; ")}`);
  }
  await untilUsable(bootstrapServer, topics.map(({ topic }) => topic));
}

async function untilUsable(bootstrapServer: string, names: string[]): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!await haveLeaders(bootstrapServer, names)) {
    if (Date.now() > deadline) {
      throw new Error(
        `${bootstrapServer} created ${names.join(", ")}, but they have no leader ${
          DEADLINE_MS / 1000
        } s later`,
      );
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

async function haveLeaders(bootstrapServer: string, topics: string[]): Promise<boolean> {
  const response = await metadata(bootstrapServer, topics);
  let ready = true;
  for (let count = response.int32(); count > 0; count--) {
    if (response.int16() !== 0) ready = false;
    response.string(); // name
    response.int8(); // internal
    for (let partitions = response.int32(); partitions > 0; partitions--) {
      if (response.int16() !== 0) ready = false;
      response.int32(); // partition
      if (response.int32() < 0) ready = false; // leader
      for (let replicas = response.int32(); replicas > 0; replicas--) response.int32();
      for (let inSync = response.int32(); inSync > 0; inSync--) response.int32();
    }
  }
  return ready;
}
