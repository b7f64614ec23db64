import type { Admin } from "kafkajs";
import type { Lease } from "../../../core/lease.ts";
import type { Deliver } from "../../../core/listener.ts";
import type { ReadBackContext, ReadProgress, StoredEvents } from "../../../core/transport.ts";
import { createKafka, requireTopic } from "../kafkajs/client.ts";
import { clientFailure } from "../client/client_failure.ts";
import type { KafkaConsumerConfig, KafkaStoreConfig } from "../config/mod.ts";
import { consumerConfigOf } from "../config/derived.ts";
import { KafkaListener } from "./listener.ts";
import type { Offsets } from "./reading_end.ts";

/** Stored records are redriven whatever their size. */
const MAX_EVENT_BYTES = 2 ** 31;

/** The records of a partition that there are to read. */
interface PartitionRange {
  readonly partition: number;
  readonly start: number;
  /** Offset after the last one. */
  readonly end: number;
}

/** A topic with stored records. Its readers are consumer groups. */
export class StoredRecords implements StoredEvents {
  readonly #ranges: readonly PartitionRange[];
  /** The group reads nothing below these offsets again. */
  readonly #positions: Offsets;
  readonly #listener: KafkaListener;

  private constructor(
    ranges: readonly PartitionRange[],
    { positions, listener }: { positions: Offsets; listener: KafkaListener },
  ) {
    this.#ranges = ranges;
    this.#positions = positions;
    this.#listener = listener;
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(
    { topic, producerConfig }: KafkaStoreConfig,
    context: ReadBackContext,
  ): Promise<StoredRecords> {
    const consumerConfig = consumerConfigOf(producerConfig, { groupId: context.reader });
    const found = await findRanges(topic, consumerConfig, context);
    const ranges: readonly PartitionRange[] = context.range === undefined
      ? found
      : JSON.parse(context.range);
    const positions = new Map(found.map(({ partition, start }) => [partition, start]));
    const config = {
      type: "kafka",
      topic,
      maxEventBytes: MAX_EVENT_BYTES,
      consumerConfig,
    } as const;
    const listener = await KafkaListener.open(config, context, {
      ends: new Map(ranges.map(({ partition, end }) => [partition, end])),
      commits: context.remembers,
      onCommit: (partition, offset) => positions.set(partition, offset),
    });
    return new StoredRecords(ranges, { positions, listener });
  }

  get progress(): ReadProgress {
    const read: string[] = [];
    let total = 0;
    let unread = 0;
    for (const { partition, start, end } of this.#ranges) {
      const position = this.#positions.get(partition) ?? start;
      total += Math.max(end - start, 0);
      unread += Math.max(end - position, 0);
      if (position > start) {
        read.push(`partition ${partition}, offsets ${start} to ${position - 1}`);
      }
    }
    return { range: JSON.stringify(this.#ranges), total, unread, read };
  }

  async listen(deliver: Deliver, lease: Lease): Promise<void> {
    await this.#listener.listen(deliver, lease);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
  }
}

/** From the group's positions to the present ends, by partition. */
async function findRanges(
  topic: string,
  config: KafkaConsumerConfig,
  { log, reader }: ReadBackContext,
): Promise<readonly PartitionRange[]> {
  const kafka = createKafka(config, { log });
  await requireTopic(kafka, topic, config);
  const admin = kafka.admin();
  try {
    await admin.connect();
    const partitions = await admin.fetchTopicOffsets(topic);
    await requireAllOf(partitions, { admin, topic });
    const positions = await positionsOf(reader, { admin, topic });
    if (partitions.some(({ partition, high }) => (positions.get(partition) ?? 0) > Number(high))) {
      log.warn(
        `the offsets of group '${reader}' lie beyond the end of topic '${topic}': the topic was re-created, or ` +
          "has lost its last records; to read it from its beginning, delete the group",
      );
    }
    return partitions
      .map(({ partition, low, high }) => {
        const start = Math.max(positions.get(partition) ?? 0, Number(low));
        return { partition, start, end: Number(high) };
      })
      .sort((one, other) => one.partition - other.partition);
  } catch (error) {
    const where = config.bootstrapServers.join(", ");
    throw clientFailure(`cannot look up the offsets of topic '${topic}' on ${where}`, error);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** Fails when a partition has no leader: skipping it would report its records as read. */
async function requireAllOf(
  found: readonly { readonly partition: number }[],
  { admin, topic }: { admin: Admin; topic: string },
): Promise<void> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const missing = topics.flatMap(({ partitions }) => partitions)
    .filter(({ partitionId }) => !found.some(({ partition }) => partition === partitionId))
    .map(({ partitionId }) => `${topic}[${partitionId}]`);
  if (missing.length > 0) throw new Error(`no broker leads ${missing.join(", ")}`);
}

/** The offsets that a group has committed for a topic. */
async function positionsOf(
  groupId: string,
  { admin, topic }: { admin: Admin; topic: string },
): Promise<Offsets> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const committed = (offsets?.partitions ?? [])
    .map(({ partition, offset }) => [partition, Number(offset)] as const);
  return new Map(committed.filter(([, offset]) => offset >= 0));
}
