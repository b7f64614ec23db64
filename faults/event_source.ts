import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { partitionOfKey } from "../src/transports/kafka/producer/murmur2.ts";
import { patchKafkajs } from "../src/transports/kafka/kafkajs/mod.ts";
import { NUMBERS_OF_A_TOPIC } from "./history.ts";

const TICK_MS = 25;
const RETRY_MS = 100;
const MAX_BATCH_RECORDS = 2000;
const TEXT_ENCODER = new TextEncoder();

interface UnsentEvent {
  readonly key: string;
  readonly sequence: number;
}

/** What an event source writes. */
export interface SourceOptions {
  /** `host:port`, or several with commas between them. */
  readonly broker: string;
  /** Fresh, and written by nobody else: so the number of an event is its offset. */
  readonly topic: string;
  readonly partitions: number;
  readonly run: string;
  readonly keys: number;
}

/**
 * Writes events with the values `run:partition:number` to a topic, each exactly once: when nobody knows whether records
 * were stored, the end of the partition tells.
 */
export class EventSource implements AsyncDisposable {
  readonly #options: SourceOptions;
  readonly #kafka: Kafka;
  /** By partition, as are the numbers. */
  readonly #unsent: UnsentEvent[][];
  readonly #generatedOf: number[] = [];
  #producer: Producer | null = null;
  #base = 0;
  #generated = 0;
  #stored = 0;
  #isFlowing = false;
  #flow: Promise<void> = Promise.resolve();

  constructor(options: SourceOptions) {
    patchKafkajs();
    this.#options = options;
    this.#unsent = Array.from({ length: options.partitions }, () => []);
    this.#kafka = new Kafka({
      brokers: options.broker.split(","),
      clientId: "faults-source",
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      requestTimeout: 5000,
    });
  }

  /** How many events are stored. */
  get stored(): number {
    return this.#stored;
  }

  /** From now on there are so many partitions. */
  usePartitions(count: number): void {
    while (this.#unsent.length < count) this.#unsent.push([]);
  }

  /** The topic is new and empty: numbers go on far above all that were before. Nothing may be flowing. */
  async startAnew(): Promise<void> {
    await this.#disconnect();
    this.#base += NUMBERS_OF_A_TOPIC;
    this.#stored = 0;
    this.#generatedOf.length = 0;
  }

  /** Resolves when so many more events are stored. */
  async send(count: number): Promise<void> {
    for (let rest = count; rest > 0; rest -= MAX_BATCH_RECORDS) {
      this.#generate(Math.min(rest, MAX_BATCH_RECORDS));
      await this.#sendAll();
    }
  }

  /** Begins to send events evenly in time, until {@linkcode stop}. */
  flow(perSecond: number): void {
    this.#isFlowing = true;
    this.#flow = this.#keepFlowing(perSecond);
    this.#flow.catch(() => {});
  }

  /** Resolves when everything that was begun is stored. */
  async stop(): Promise<void> {
    this.#isFlowing = false;
    await this.#flow;
  }

  async #keepFlowing(perSecond: number): Promise<void> {
    const beganAt = performance.now();
    let generated = 0;
    while (this.#isFlowing) {
      const due = Math.floor((performance.now() - beganAt) * perSecond / 1000);
      this.#generate(due - generated);
      generated = due;
      await this.#sendAll();
      await sleep(TICK_MS);
    }
  }

  #generate(count: number): void {
    for (let index = 0; index < count; index++) {
      const key = keyOf(this.#generated++, this.#options.keys);
      const partition = partitionOfKey(TEXT_ENCODER.encode(key), this.#unsent.length);
      const offset = this.#generatedOf[partition] ?? 0;
      this.#generatedOf[partition] = offset + 1;
      const sequence = this.#base + offset;
      this.#unsent[partition]?.push({ key, sequence });
    }
  }

  async #sendAll(): Promise<void> {
    let isDoubtful = false;
    while (this.#unsent.some(({ length }) => length > 0)) {
      try {
        if (isDoubtful) await this.#dropStored();
        isDoubtful = false;
        await this.#sendOnce();
      } catch {
        // A broker is away. What it had stored by then shows when it is back.
        isDoubtful = true;
        await this.#disconnect();
        await sleep(RETRY_MS);
      }
    }
  }

  async #sendOnce(): Promise<void> {
    this.#producer ??= await this.#connect();
    const { topic, run } = this.#options;
    const sent = this.#unsent.map((unsent) => unsent.slice(0, MAX_BATCH_RECORDS));
    const messages = sent.flatMap((events, partition) =>
      events.map(({ key, sequence }) => ({
        key,
        value: `${run}:${partition}:${sequence}`,
        partition,
      }))
    );
    const stored = await this.#producer.send({ topic, acks: -1, messages });
    const answered = new Set(stored.map(({ partition }) => partition));
    if (messages.some(({ partition }) => !answered.has(partition))) {
      throw new Error("the producer has left out partitions that it does not know yet");
    }
    for (const [partition, events] of sent.entries()) {
      this.#unsent[partition]?.splice(0, events.length);
      this.#stored += events.length;
    }
  }

  async #dropStored(): Promise<void> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      for (const { partition, high } of await admin.fetchTopicOffsets(this.#options.topic)) {
        const unsent = this.#unsent[partition] ?? [];
        const stored = unsent.filter(({ sequence }) => sequence - this.#base < Number(high)).length;
        unsent.splice(0, stored);
        this.#stored += stored;
      }
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      retry: { retries: 0 },
      // Each event names its partition.
      createPartitioner: () => ({ message }) => message.partition ?? 0,
    });
    await producer.connect();
    return producer;
  }

  async #disconnect(): Promise<void> {
    await this.#producer?.disconnect().catch(() => {});
    this.#producer = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isFlowing = false;
    for (const unsent of this.#unsent) unsent.splice(0);
    await this.#flow.catch(() => {});
    await this.#disconnect();
  }
}

/**
 * Keys follow each other in an order that looks random and is the same in each run. Some are much more frequent than
 * others, so that events of one key are often under way together.
 */
function keyOf(number: number, keys: number): string {
  let hash = Math.imul(number + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  const random = ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
  return `key-${Math.floor(random ** 1.5 * keys)}`;
}
