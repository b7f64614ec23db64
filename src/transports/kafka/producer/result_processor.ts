import { atMost } from "../../../core/backoff.ts";
import { visible } from "../../../core/idempotency_key.ts";
import type { Logger } from "../../../core/log.ts";
import type { OutboundRecord, ResultProcessor } from "../../../core/result_processor.ts";
import type { OpenContext } from "../../../core/transport.ts";
import type { KafkaStoreConfig } from "../config/mod.ts";
import { RecordBatcher } from "./record_batcher.ts";
import { BatchSender } from "./batch_sender.ts";

/** How long closing may wait for requests in flight, and as long again for connections: brokers can be away. */
const LEAVE_MS = 3000;

/** Stores records in a topic; resolves when the brokers have acknowledged them. */
export class KafkaResultProcessor implements ResultProcessor {
  readonly sizeRemedy =
    "raise the topic's max.message.bytes, and message.max.bytes of the producerConfig when it is set";
  readonly #sender: BatchSender;
  readonly #batcher: RecordBatcher;
  readonly #log: Logger;
  #isMoveKnown = false;

  private constructor(sender: BatchSender, batcher: RecordBatcher, { log }: OpenContext) {
    this.#sender = sender;
    this.#batcher = batcher;
    this.#log = log;
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(
    config: KafkaStoreConfig,
    context: OpenContext,
  ): Promise<KafkaResultProcessor> {
    const sender = await BatchSender.open(config, context);
    const batcher = new RecordBatcher(sender, config.producerConfig);
    return new KafkaResultProcessor(sender, batcher, context);
  }

  /** @throws {Error} when only a new start of the pipeline helps, as when the sandbox does not allow a new broker */
  process(record: OutboundRecord, signal: AbortSignal): Promise<string> {
    this.#noteMove(record.putBackTo?.get("topic"));
    return this.#batcher.add(record, signal);
  }

  #noteMove(from: string | undefined): void {
    const { topic } = this.#sender;
    if (this.#isMoveKnown || from === undefined || from === topic) return;
    this.#isMoveKnown = true;
    const events = `events of topic ${visible(from)}`;
    this.#log.warn(
      `${events} go to ${topic}, which the pipeline reads now; keys decide on partitions`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batcher.close(LEAVE_MS);
    await atMost(this.#sender.close(), LEAVE_MS);
  }
}
