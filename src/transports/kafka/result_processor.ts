import { Buffer } from "node:buffer";
import { CompressionTypes, type Message, Partitioners, type Producer } from "kafkajs";
import { atMost } from "../../backoff.ts";
import type { Bytes, EventOrigin } from "../../event.ts";
import {
  type OutboundRecord,
  type ResultProcessor,
  ResultProcessorError,
} from "../../result_processor.ts";
import type { OpenContext } from "../../transport.ts";
import { createKafka, requireTopic, retryOptions, rootMessage } from "./client.ts";
import type { KafkaResultProcessorConfig } from "./config.ts";

/** How long disconnecting may take: brokers can be away. */
const LEAVE_MS = 3000;

const COMPRESSION = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  zstd: CompressionTypes.ZSTD,
};

/** Stores records in a topic; resolves when the brokers have acknowledged them. */
export class KafkaResultProcessor implements ResultProcessor {
  readonly #config: KafkaResultProcessorConfig;
  readonly #producer: Producer;
  readonly #ungrantedBrokers: ReadonlySet<string>;

  private constructor(
    config: KafkaResultProcessorConfig,
    { producer, ungrantedBrokers }: { producer: Producer; ungrantedBrokers: ReadonlySet<string> },
  ) {
    this.#config = config;
    this.#producer = producer;
    this.#ungrantedBrokers = ungrantedBrokers;
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(
    config: KafkaResultProcessorConfig,
    { log }: OpenContext,
  ): Promise<KafkaResultProcessor> {
    const { topic, producerConfig } = config;
    const ungrantedBrokers = new Set<string>();
    const kafka = createKafka(producerConfig, {
      log,
      onUngrantedBroker: (broker) => ungrantedBrokers.add(broker),
    });
    await requireTopic(kafka, topic, producerConfig);
    const producer = kafka.producer({
      allowAutoTopicCreation: producerConfig.allowAutoTopicCreation,
      maxInFlightRequests: producerConfig.maxInFlightRequests,
      createPartitioner: Partitioners.DefaultPartitioner,
      idempotent: producerConfig.idempotent,
      metadataMaxAge: producerConfig.metadataMaxAgeMs,
      retry: retryOptions(producerConfig, producerConfig.retries),
    });
    await producer.connect();
    return new KafkaResultProcessor(config, { producer, ungrantedBrokers });
  }

  /** @throws {Error} when a broker has appeared that the sandbox does not allow: only a new sandbox helps */
  async process(record: OutboundRecord): Promise<EventOrigin> {
    const { topic, producerConfig } = this.#config;
    try {
      const [stored] = await this.#producer.send({
        topic,
        acks: producerConfig.acks,
        timeout: producerConfig.requestTimeoutForAcksMs,
        compression: COMPRESSION[producerConfig.compression],
        messages: [toMessage(record)],
      });
      if (stored?.baseOffset === undefined) throw new Error("the broker confirmed no offset");
      return { topic, partition: stored.partition, offset: Number(stored.baseOffset) };
    } catch (error) {
      const [broker] = this.#ungrantedBrokers;
      if (broker !== undefined) {
        throw new Error(`broker ${broker} is new and not among the hosts it may reach yet`, {
          cause: error,
        });
      }
      throw new ResultProcessorError(`topic '${topic}': ${rootMessage(error)}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await atMost(this.#producer.disconnect(), LEAVE_MS);
  }
}

function toMessage({ key, value, headers }: OutboundRecord): Message {
  return {
    key: asBuffer(key),
    value: asBuffer(value),
    // Its type knows only objects; the patched codec takes lists.
    headers: headers as unknown as NonNullable<Message["headers"]>,
  };
}

function asBuffer(bytes: Bytes | null): Buffer | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
