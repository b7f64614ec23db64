import type { Admin } from "kafkajs";
import type { Lease } from "../../../core/lease.ts";
import type { Deliver } from "../../../core/listener.ts";
import type { Offsets, ReadBackContext, StoredEvents } from "../../../core/transport.ts";
import { createKafka, requireTopic } from "../client/client.ts";
import { clientFailure } from "../client/client_failure.ts";
import type { KafkaConsumerConfig, KafkaStoreConfig } from "../config/mod.ts";
import { consumerConfigOf } from "../config/derived.ts";
import { KafkaListener } from "./listener.ts";

/** Stored records are redriven whatever their size. */
const MAX_EVENT_BYTES = 2 ** 31;

/** The range of a topic to read, and the positions of other readers. */
type Extent = Pick<StoredEvents, "starts" | "ends" | "peers">;

/** A topic with stored records. Its readers are consumer groups. */
export class StoredRecords implements StoredEvents {
  readonly starts: Offsets;
  readonly ends: Offsets;
  readonly peers: ReadonlyMap<string, Offsets>;
  readonly positions: Offsets;
  readonly #listener: KafkaListener;

  private constructor(
    { starts, ends, peers }: Extent,
    { positions, listener }: { positions: Offsets; listener: KafkaListener },
  ) {
    this.starts = starts;
    this.ends = ends;
    this.peers = peers;
    this.positions = positions;
    this.#listener = listener;
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(
    { topic, producerConfig }: KafkaStoreConfig,
    context: ReadBackContext,
  ): Promise<StoredRecords> {
    const consumerConfig = consumerConfigOf(producerConfig, { groupId: context.reader });
    const extent = await lookUpExtent(topic, consumerConfig, context);
    const positions = new Map(extent.starts);
    const config = {
      type: "kafka",
      topic,
      maxEventBytes: MAX_EVENT_BYTES,
      consumerConfig,
    } as const;
    const listener = await KafkaListener.open(config, context, {
      ends: extent.ends,
      commits: context.remembers,
      onCommit: (partition, offset) => positions.set(partition, offset),
    });
    return new StoredRecords(extent, { positions, listener });
  }

  async listen(deliver: Deliver, lease: Lease): Promise<void> {
    await this.#listener.listen(deliver, lease);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
  }
}

async function lookUpExtent(
  topic: string,
  config: KafkaConsumerConfig,
  { log, reader, isPeer, ends }: ReadBackContext,
): Promise<Extent> {
  const kafka = createKafka(config, { log });
  await requireTopic(kafka, topic, config);
  const admin = kafka.admin();
  try {
    await admin.connect();
    const partitions = await admin.fetchTopicOffsets(topic);
    await requireAllOf(partitions, { admin, topic });
    const highs = new Map(partitions.map(({ partition, high }) => [partition, Number(high)]));
    const own = await positionsOf(reader, { admin, topic });
    if (withoutFuture(own, highs).size < own.size) {
      log.warn(
        `group '${reader}' has read topic '${topic}' further than it goes: the topic was created anew, ` +
          "or has lost its end; to read it from its beginning, delete the group",
      );
    }
    const { groups } = await admin.listGroups();
    const peers = new Map<string, Offsets>();
    for (const { groupId } of groups) {
      if (groupId === reader || !isPeer(groupId)) continue;
      peers.set(groupId, withoutFuture(await positionsOf(groupId, { admin, topic }), highs));
    }
    return {
      starts: new Map(
        partitions.map(({ partition, low }) => [
          partition,
          Math.max(own.get(partition) ?? 0, Number(low)),
        ]),
      ),
      ends: ends ?? highs,
      peers,
    };
  } catch (error) {
    const where = config.bootstrapServers.join(", ");
    const what = `what there is to read of topic '${topic}' on ${where}`;
    throw clientFailure(`cannot look up ${what}`, error);
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

/** Drops positions beyond the end of their partition: they belong to an earlier topic of this name. */
function withoutFuture(positions: Offsets, highs: Offsets): Offsets {
  return new Map([...positions].filter(([partition, at]) => at <= (highs.get(partition) ?? 0)));
}
