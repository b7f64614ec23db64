import { type Consumer, Kafka } from "kafkajs";
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import type {
  ConsumerGroup as GroupOfKafkajs,
  PartitionOffset,
} from "../../../src/transports/kafka/kafkajs/types.ts";
import { FakeRecords } from "./fetched_records.ts";

const JOINED = "consumer.group_join";

interface Commit {
  topics: { topic: string; partitions: PartitionOffset[] }[];
}

/**
 * Stands for kafkajs's group of a consumer, and for the brokers behind it: `T[0]`, which has some events. The patched
 * methods of kafkajs call its member. Consumers that are created until the end of the scope are members of it.
 */
export class FakeGroup implements Pick<GroupOfKafkajs, "commitOffsets">, Disposable {
  readonly groupId = crypto.randomUUID();
  readonly topic = "T";
  /** What the group has committed of `T[0]`. */
  committed = 0;
  /** Called when a fetch has reached the broker, before it is answered. */
  onFetch: () => void = () => {};
  /** Offsets that fetches began at. */
  readonly fetchedFrom: number[] = [];
  offsetManager: FakeOffsets | null = null;
  readonly maxWaitTime = 1;
  readonly minBytes = 1;
  readonly maxBytes = 1000;
  readonly maxBytesPerPartition = 1000;
  readonly isolationLevel = 1;
  readonly rackId = "";
  readonly metadataMaxAge = 300_000;
  readonly coordinator = null;
  readonly memberId = null;
  readonly preferredReadReplicasPerTopicPartition = {};
  readonly cluster = {
    refreshMetadata: () => Promise.resolve(),
    refreshMetadataIfNecessary: () => Promise.resolve(),
    getNodeIds: () => ["1"],
    findTopicPartitionMetadata: () => [0, 1].map((partitionId) => ({ partitionId, leader: 1 })),
    findBroker: () => Promise.resolve({ fetch: (request: FetchRequest) => this.#answer(request) }),
  };
  readonly #consumer = Kafka.prototype.consumer;
  readonly #events: number;
  #partitions: readonly number[] = [];
  #othersJoined: Promise<readonly number[]> = Promise.resolve([]);
  readonly #running = Promise.withResolvers<void>();
  readonly #callbacks = new Map<string, (event: object) => void>();

  /** @param options.events how many events the partition has */
  constructor({ events }: { events: number }) {
    this.#events = events;
    Kafka.prototype.consumer = () => this.#createConsumer();
  }

  /** Has the member join, anew if it has joined; it has `partitions` once all others have joined, too. */
  join(partitions: readonly number[] | Promise<readonly number[]>): Promise<void> {
    this.#othersJoined = Promise.resolve(partitions);
    return ConsumerGroup.prototype.joinAndSync.call(this);
  }

  /** Gives the member its turn to fetch. */
  async fetch(): Promise<void> {
    await ConsumerGroup.prototype.fetch.call(this, "1");
  }

  commitOffsets({ topics }: Commit): Promise<void> {
    for (const { offset } of topics.flatMap(({ partitions }) => partitions)) {
      this.committed = Number(offset);
    }
    return Promise.resolve();
  }

  /** kafkajs's own join is one of its retrier's tasks. */
  async retrier(): Promise<void> {
    this.#partitions = await this.#othersJoined;
    this.offsetManager = new FakeOffsets(this);
    const memberAssignment = { [this.topic]: this.#partitions };
    this.#callbacks.get(JOINED)?.({ payload: { memberAssignment } });
  }

  /** Has the consumer end for good, as one that has not begun to run. */
  crash(error: Error): void {
    this.#running.reject(error);
  }

  assigned(): { topic: string; partitions: readonly number[] }[] {
    return [{ topic: this.topic, partitions: this.#partitions }];
  }

  filterPartitionsByNode(): { topic: string; partitions: readonly number[] }[] {
    return this.assigned().filter(({ partitions }) => partitions.length > 0);
  }

  checkForStaleAssignment(): void {}

  recoverFromFetch(error: unknown): never {
    throw error;
  }

  [Symbol.dispose](): void {
    Kafka.prototype.consumer = this.#consumer;
  }

  #createConsumer(): Consumer {
    const consumer = {
      events: { GROUP_JOIN: JOINED },
      on: (name: string, callback: (event: object) => void) => this.#callbacks.set(name, callback),
      connect: () => Promise.resolve(),
      subscribe: () => Promise.resolve(),
      run: () => this.#running.promise,
      disconnect: () => Promise.resolve(),
    };
    return consumer as unknown as Consumer;
  }

  async #answer({ topics: [asked] }: FetchRequest): Promise<object> {
    const { partition, fetchOffset } = asked.partitions[0];
    this.fetchedFrom.push(fetchOffset);
    this.onFetch();
    // A broker's answer never comes within the same turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const offsets = Array.from({ length: this.#events }, (_, offset) => offset)
      .filter((offset) => offset >= fetchOffset);
    const messages = offsets.length === 0 ? [] : [FakeRecords.at(...offsets)];
    const end = `${Math.max(this.#events, fetchOffset)}`;
    const answer = { partition, errorCode: 0, highWatermark: end, lastStableOffset: end, messages };
    return { responses: [{ topicName: this.topic, partitions: [answer] }] };
  }
}

interface FetchRequest {
  readonly topics: readonly [
    { readonly partitions: readonly [{ partition: number; fetchOffset: number }] },
  ];
}

/** Stands for kafkajs's OffsetManager of one assignment, which asks the group once where a partition goes on. */
class FakeOffsets {
  readonly memberAssignment: Record<string, readonly number[]>;
  readonly #group: FakeGroup;
  #next: number | null = null;

  constructor(group: FakeGroup) {
    this.#group = group;
    this.memberAssignment = { [group.topic]: [0] };
  }

  committedOffsets(): Record<string, Record<number, string>> {
    return { [this.#group.topic]: { 0: `${this.#group.committed}` } };
  }

  nextOffset(): string {
    this.#next ??= this.#group.committed;
    return `${this.#next}`;
  }

  resolveOffset({ offset }: { offset: string }): void {
    this.#next = Number(offset) + 1;
  }
}
