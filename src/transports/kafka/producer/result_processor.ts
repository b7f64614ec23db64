import { atMost } from "../../../core/backoff.ts";
import type { EventOrigin } from "../../../core/event.ts";
import type { OutboundRecord, ResultProcessor } from "../../../core/result_processor.ts";
import type { OpenContext } from "../../../core/transport.ts";
import type { KafkaProducerConfig, KafkaStoreConfig } from "../config/mod.ts";
import { type BatcherOptions, RecordBatcher } from "./record_batcher.ts";
import { TopicLeaders } from "./topic_leaders.ts";

/** How long closing may wait for requests in flight, and as long again for connections: brokers can be away. */
const LEAVE_MS = 3000;

/** Stores records in a topic; resolves when the brokers have acknowledged them. */
export class KafkaResultProcessor implements ResultProcessor {
  readonly #leaders: TopicLeaders;
  readonly #batcher: RecordBatcher;

  private constructor(leaders: TopicLeaders, batcher: RecordBatcher) {
    this.#leaders = leaders;
    this.#batcher = batcher;
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(
    config: KafkaStoreConfig,
    context: OpenContext,
  ): Promise<KafkaResultProcessor> {
    const leaders = await TopicLeaders.open(config, context);
    const batcher = new RecordBatcher(leaders, batcherOptions(config.producerConfig));
    return new KafkaResultProcessor(leaders, batcher);
  }

  /** @throws {Error} when only a new start of the pipeline helps, as when the sandbox does not allow a new broker */
  process(record: OutboundRecord, signal: AbortSignal): Promise<EventOrigin> {
    return this.#batcher.add(record, signal);
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
