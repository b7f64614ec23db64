import { CompressionTypes } from "kafkajs";
import { refusalIn } from "../../../core/access_refused.ts";
import { ResultProcessorError } from "../../../core/result_processor.ts";
import { formatDelay } from "../../../core/backoff.ts";
import type { Logger } from "../../../core/log.ts";
import type { OpenContext } from "../../../core/transport.ts";
import type { ProducerIdentity } from "../records/batch_writer.ts";
import { BatchNumbers } from "./batch_numbers.ts";
import { BrokerRefusedError } from "../client/login_throttle.ts";
import { createKafka, requireTopic } from "../kafkajs/client.ts";
import { clientFailure, reasonIn } from "../client/client_failure.ts";
import type { KafkaProducerConfig, KafkaStoreConfig } from "../config/mod.ts";
import { type Cluster, createCluster } from "../kafkajs/cluster.ts";
import { PartitionProblems } from "../client/partition_problems.ts";
import { transientReason } from "../client/transient_errors.ts";
import type { Batch } from "./partition_queue.ts";
import {
  type PartitionResponse,
  type ProduceRequest,
  type ProduceResponse,
  type TopicData,
  writingBatches,
} from "../kafkajs/produce_request.ts";
import { RequestMemory } from "../kafkajs/encoder.ts";
import { createErrorFromCode } from "../kafkajs/protocol.ts";
import { type Failure, isAboutNumbers, type Outcome, remedyFor } from "./store_failure.ts";

const COMPRESSION = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

/** InitProducerId requires one, even without transactions. */
const TRANSACTION_TIMEOUT_MS = 60_000;

/** A throttle of at least this is logged. */
const LONG_THROTTLE_MS = 1000;

/** kafkajs's internal client with the members used to store records. */
interface ProducingCluster extends Cluster {
  isConnected(): boolean;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  findBroker(broker: { nodeId: number }): Promise<ProducingBroker>;
  findControllerBroker(): Promise<ProducingBroker>;
  removeBroker(broker: { host: string; port: number }): void;
}

interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number;
}

interface ProducingBroker {
  initProducerId(request: { transactionTimeout: number }): Promise<
    { producerId: string; producerEpoch: number }
  >;
  produce(request: ProduceRequest): Promise<ProduceResponse>;
}

/**
 * Sends batches to the brokers that lead the partitions of a topic. It replaces kafkajs's own producer, which takes the
 * first failed partition for a failure of the whole request, and repeats batches that are stored.
 */
export class BatchSender {
  readonly topic: string;
  readonly #config: KafkaProducerConfig;
  readonly #cluster: ProducingCluster;
  readonly #ungrantedBrokers: ReadonlySet<string>;
  readonly #log: Logger;
  readonly #troubles: PartitionProblems;
  readonly #numbers: BatchNumbers | null;
  /** One buffer for each leader, which has one request in flight. */
  readonly #memories = new Map<number, RequestMemory>();
  #partitions: readonly PartitionMetadata[] = [];
  #leaders: readonly number[] = [];

  private constructor(
    { topic, producerConfig }: KafkaStoreConfig,
    { cluster, ungrantedBrokers, log, health }: OpenContext & {
      readonly cluster: ProducingCluster;
      readonly ungrantedBrokers: ReadonlySet<string>;
    },
  ) {
    this.#log = log;
    this.#troubles = new PartitionProblems({ topic, action: "store", log, health });
    this.topic = topic;
    this.#config = producerConfig;
    this.#cluster = cluster;
    this.#ungrantedBrokers = ungrantedBrokers;
    this.#numbers = producerConfig.idempotent ? new BatchNumbers(() => this.#newProducer()) : null;
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(
    config: KafkaStoreConfig,
    context: OpenContext,
  ): Promise<BatchSender> {
    const { topic, producerConfig } = config;
    const ungrantedBrokers = new Set<string>();
    const kafka = createKafka(producerConfig, {
      ...context,
      onUngrantedBroker: (broker) => ungrantedBrokers.add(broker),
    });
    await requireTopic(kafka, topic, producerConfig);
    const cluster = createCluster(kafka, {
      metadataMaxAge: producerConfig.metadataMaxAgeMs,
      allowAutoTopicCreation: producerConfig.allowAutoTopicCreation,
    }) as ProducingCluster;
    try {
      await cluster.connect();
      await cluster.addMultipleTargetTopics([topic]);
    } catch (error) {
      await cluster.disconnect().catch(() => {});
      const where = producerConfig.bootstrapServers.join(", ");
      throw clientFailure(`cannot look up topic '${topic}' on ${where}`, error);
    }
    return new BatchSender(config, { ...context, cluster, ungrantedBrokers });
  }

  get partitionCount(): number {
    return this.#current().length;
  }

  /** The broker that leads a partition; -1 when none does. */
  leaderOf(partition: number): number {
    return this.#current()[partition] ?? -1;
  }

  /** Sends batches, each for another partition, to their leader; resolves with an outcome for each. Never rejects. */
  async send(leader: number, batches: readonly Batch[]): Promise<readonly Outcome[]> {
    const outcomes = await this.#send(leader, batches);
    for (const [index, { partition }] of batches.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined || "offset" in outcome) this.#troubles.works(partition);
      else if (outcome.remedy === "repeat") {
        this.#troubles.note(partition, { reason: reasonIn(outcome.error), isTransient: true });
      }
    }
    this.#troubles.report();
    return outcomes;
  }

  async #send(leader: number, batches: readonly Batch[]): Promise<readonly Outcome[]> {
    if (leader < 0) return batches.map((batch) => this.#failure(noLeader(), batch));
    // Not awaited: the known leaders can store while the metadata cannot be refreshed.
    void this.#cluster.refreshMetadataIfNecessary().catch(() => {});
    try {
      const broker = await this.#cluster.findBroker({ nodeId: leader });
      const { topics, clientSideThrottleTime = 0 } = await writingBatches(broker).produce({
        acks: this.#config.acks,
        timeout: this.#config.requestTimeoutForAcksMs,
        compression: COMPRESSION[this.#config.compression],
        topicData: [await this.#topicData(leader, batches)],
      });
      this.#logThrottle(leader, clientSideThrottleTime);
      const responses = topics.flatMap(({ partitions }) => partitions);
      return batches.map((batch) =>
        this.#outcome(batch, responses.find(({ partition }) => partition === batch.partition))
      );
    } catch (error) {
      // The socket may still be sending from this buffer.
      this.#memories.delete(leader);
      this.#removeClosed(error);
      return batches.map((batch) => this.#failure(error, batch));
    }
  }

  /** Called for a batch that may be stored and is not sent again unchanged. */
  forget(batch: Batch): void {
    this.#numbers?.forget(batch);
  }

  /** Looks up the leaders again. Never rejects. */
  async refresh(): Promise<void> {
    try {
      if (!this.#cluster.isConnected()) await this.#cluster.connect();
      await this.#cluster.refreshMetadata();
    } catch {
      // The next request fails with the reason.
    }
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect();
  }

  #logThrottle(leader: number, throttleMs: number): void {
    if (throttleMs < LONG_THROTTLE_MS) return;
    this.#log.warn(
      `broker ${leader} stores nothing more in topic '${this.topic}' for ${
        formatDelay(throttleMs)
      }: more was sent than a quota for the producer's client.id or user allows`,
    );
  }

  /** The leader of each partition; computed again when the metadata changes. */
  #current(): readonly number[] {
    const partitions = this.#cluster.findTopicPartitionMetadata(this.topic);
    if (partitions !== this.#partitions) {
      this.#partitions = partitions;
      const leaders = Array<number>(partitions.length).fill(-1);
      for (const { partitionId, leader } of partitions) leaders[partitionId] = leader;
      this.#leaders = leaders;
    }
    return this.#leaders;
  }

  async #topicData(leader: number, batches: readonly Batch[]): Promise<TopicData> {
    const partitions = [];
    for (const batch of batches) {
      const { partition, records } = batch;
      partitions.push({ partition, records, ...await this.#numbers?.of(batch) });
    }
    const memory = this.#memories.get(leader) ?? new RequestMemory();
    this.#memories.set(leader, memory);
    return { topic: this.topic, partitions, memory };
  }

  #outcome(batch: Batch, response: PartitionResponse | undefined): Outcome {
    if (response === undefined) {
      return this.#failure(new Error("the broker's response does not contain it"), batch);
    }
    const { partition, errorCode, baseOffset } = response;
    if (errorCode === 0) {
      this.#numbers?.stored(batch);
      return { topic: this.topic, partition, offset: Number(baseOffset) };
    }
    const error = createErrorFromCode(errorCode);
    error.message = transientReason(error) ?? error.message;
    if (isAboutNumbers(error)) this.forget(batch);
    return this.#failure(error, batch);
  }

  #failure(cause: unknown, { partition }: Batch): Failure {
    const [broker] = this.#ungrantedBrokers;
    if (broker !== undefined) {
      const reason = `broker ${broker} is new and not among the hosts it may reach yet`;
      return { error: new Error(reason, { cause }), remedy: "none" };
    }
    const refusal = refusalIn(cause);
    // Not a ResultProcessorError, so that the pipeline is restarted.
    if (refusal instanceof BrokerRefusedError && refusal.needsRestart) {
      return { error: refusal, remedy: "none" };
    }
    const remedy = remedyFor(cause);
    const destination = remedy === "repeat"
      ? `${this.topic}[${partition}]`
      : `topic '${this.topic}'`;
    const reason = `${destination}: ${reasonIn(cause)}`;
    const error = new ResultProcessorError(reason, { cause, isTooLarge: remedy === "shrink" });
    return { error, remedy };
  }

  async #newProducer(): Promise<ProducerIdentity> {
    const broker = await this.#cluster.findControllerBroker();
    const { producerId, producerEpoch } = await broker.initProducerId({
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
    });
    return { producerId: Number(producerId), producerEpoch };
  }

  /** Removes a broker whose connection was closed, as kafkajs does not reopen it. */
  #removeClosed(error: unknown): void {
    const { name, host, port } = Object(error);
    if (name === "KafkaJSConnectionClosedError") this.#cluster.removeBroker({ host, port });
  }
}

function noLeader(): Error {
  return Object.assign(new Error("no broker leads it"), { retriable: true });
}
