import { atMost } from "../../../core/backoff.ts";
import { visible } from "../../../core/idempotency_key.ts";
import type { Logger } from "../../../core/log.ts";
import type { OutboundRecord, ResultProcessor } from "../../../core/result_processor.ts";
import type { OpenContext } from "../../../core/transport.ts";
import type { KafkaProducerConfig, KafkaStoreConfig } from "../config/mod.ts";
import { type BatcherOptions, RecordBatcher } from "./record_batcher.ts";
import { TopicLeaders } from "./topic_leaders.ts";

/** How long closing may wait for requests in flight, and as long again for connections: brokers can be away. */
const LEAVE_MS = 3000;

/** Stores records in a topic; resolves when the brokers have acknowledged them. */
export class KafkaResultProcessor implements ResultProcessor {
  readonly sizeRemedy =
    "raise the topic's max.message.bytes, and message.max.bytes of the producerConfig when it is set";
  readonly #leaders: TopicLeaders;
  readonly #batcher: RecordBatcher;
  readonly #log: Logger;
  #isMoveKnown = false;

  private constructor(leaders: TopicLeaders, batcher: RecordBatcher, { log }: OpenContext) {
    this.#leaders = leaders;
    this.#batcher = batcher;
    this.#log = log;
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(
    config: KafkaStoreConfig,
    context: OpenContext,
  ): Promise<KafkaResultProcessor> {
    const leaders = await TopicLeaders.open(config, context);
    const batcher = new RecordBatcher(leaders, batcherOptions(config.producerConfig));
    return new KafkaResultProcessor(leaders, batcher, context);
  }

  /** @throws {Error} when only a new start of the pipeline helps, as when the sandbox does not allow a new broker */
  process(record: OutboundRecord, signal: AbortSignal): Promise<string> {
    this.#noteMove(record.putBackTo?.get("topic"));
    return this.#batcher.add(record, signal);
  }

  #noteMove(from: string | undefined): void {
    const { topic } = this.#leaders;
    if (this.#isMoveKnown || from === undefined || from === topic) return;
    this.#isMoveKnown = true;
    const events = `events of topic ${visible(from)}`;
    this.#log.warn(
      `${events} go to ${topic}, which the pipeline reads now; keys decide on partitions`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batcher.close(LEAVE_MS);
    await atMost(this.#leaders.close(), LEAVE_MS);
  }
}

function batcherOptions(config: KafkaProducerConfig): BatcherOptions {
  const { maxRecordBytes, maxBatchBytes, maxBatchRecords, lingerMs, retries } = config;
  return {
    maxRecordBytes,
    limits: { bytes: Math.min(maxBatchBytes, maxRecordBytes), records: maxBatchRecords },
    lingerMs,
    retries,
    backoff: {
      initialDelayMs: config.reconnectBackoffMs,
      maxDelayMs: config.reconnectBackoffMaxMs,
      multiplier: 2,
    },
  };
}
