import { type Admin, Kafka, logLevel } from "kafkajs";
import { patchKafkajs } from "../src/transports/kafka/kafkajs/mod.ts";
import { createTopics } from "../tools/kafka/mod.ts";

export const PARTITIONS = 6;

const READY_DEADLINE_MS = 10_000;
const READY_POLL_MS = 50;

/** When the broker wrote a record, and where it stands. */
export interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  /** In milliseconds since 1970, by the broker's clock. */
  readonly writtenAtMs: number;
  /** As kcat shows them: `a=1,b=2`. */
  readonly headers: string;
}

/** A topic of events and one of results, of names that no other run has. They are deleted with their scope. */
export class Topics implements AsyncDisposable {
  readonly events: string;
  readonly results: string;
  readonly #broker: string;
  readonly #admin: Admin;

  private constructor(broker: string, admin: Admin) {
    const run = crypto.randomUUID().slice(0, 8);
    this.events = `bench-events-${run}`;
    this.results = `bench-results-${run}`;
    this.#broker = broker;
    this.#admin = admin;
  }

  /**
   * @param options.partitions how many the topic of events has
   * @param options.leaders who leads each of these instead; the first of them leads all results
   */
  static async create(
    broker: string,
    { partitions = PARTITIONS, leaders = [] }: {
      partitions?: number;
      leaders?: readonly number[];
    } = {},
  ): Promise<Topics> {
    const replicas = leaders.map((leader) => [leader]);
    const resultReplicas = leaders.slice(0, 1).flatMap((leader) =>
      Array.from({ length: PARTITIONS }, () => [leader])
    );
    const admin = benchClient(broker).admin();
    await admin.connect();
    const topics = new Topics(broker, admin);
    // The broker's clock says when a record was written, so that nothing has to be measured from outside.
    const config = { "message.timestamp.type": "LogAppendTime" };
    await createTopics(broker, [
      { topic: topics.events, partitions, replicas, config },
      { topic: topics.results, partitions: PARTITIONS, replicas: resultReplicas, config },
    ]);
    await topics.#untilAnswered(topics.events);
    await topics.#untilAnswered(topics.results);
    return topics;
  }

  /** Waits until the leaders of all partitions know that they are leaders, which may be after others know it. */
  async #untilAnswered(topic: string): Promise<void> {
    const deadline = performance.now() + READY_DEADLINE_MS;
    for (;;) {
      try {
        await this.#admin.fetchTopicOffsets(topic);
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  /** How many results there are. */
  async countResults(): Promise<number> {
    const offsets = await this.#admin.fetchTopicOffsets(this.results);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  }

  /** When the broker wrote the first and the last result. */
  async resultTimes(): Promise<{ firstMs: number; lastMs: number }> {
    const reads = Array.from({ length: PARTITIONS }, (_, partition) => [
      this.#read(this.results, { partition, from: "beginning", count: 1 }),
      this.#read(this.results, { partition, from: "-1", count: 1 }),
    ]).flat();
    const times = (await Promise.all(reads)).flat().map(({ writtenAtMs }) => writtenAtMs);
    return { firstMs: Math.min(...times), lastMs: Math.max(...times) };
  }

  /** Reads all that a topic holds. */
  readAll(topic: string): Promise<StoredRecord[]> {
    return this.#read(topic, { from: "beginning" });
  }

  async #read(
    topic: string,
    { partition, from, count }: { partition?: number; from: string; count?: number },
  ): Promise<StoredRecord[]> {
    const { success, stdout, stderr } = await new Deno.Command("kcat", {
      args: [
        ...["-b", this.#broker, "-C", "-t", topic, "-o", from, "-e", "-q"],
        ...(partition === undefined ? [] : ["-p", `${partition}`]),
        ...(count === undefined ? [] : ["-c", `${count}`]),
        ...["-f", "%p %o %T %h\n"],
      ],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`kcat cannot read ${topic}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout).split("\n").filter((line) => line !== "").map(toRecord);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.deleteTopics({ topics: [this.events, this.results] });
    await this.#admin.disconnect();
  }
}

/** A client of this process, without the timer that would cost it a core's share. */
export function benchClient(broker: string): Kafka {
  patchKafkajs();
  return new Kafka({ brokers: [broker], clientId: "bench", logLevel: logLevel.NOTHING });
}

function toRecord(line: string): StoredRecord {
  const [partition, offset, writtenAtMs, headers = ""] = line.split(" ");
  return {
    partition: Number(partition),
    offset: Number(offset),
    writtenAtMs: Number(writtenAtMs),
    headers,
  };
}
