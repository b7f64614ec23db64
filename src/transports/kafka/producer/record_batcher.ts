import { atMost, backoffDelays, sleep } from "../../../core/backoff.ts";
import { type OutboundRecord, ResultProcessorError } from "../../../core/result_processor.ts";
import { BATCH_FIELDS } from "../records/batch_fields.ts";
import { partitionOfKey } from "./murmur2.ts";
import type { KafkaProducerConfig } from "../config/mod.ts";
import type { BatchSender } from "./batch_sender.ts";
import {
  type Batch,
  type BatchLimits,
  PartitionQueue,
  type WaitingRecord,
} from "./partition_queue.ts";
import type { Outcome } from "./store_failure.ts";
import { MAX_PLACE_SIZE, recordSize } from "../records/record_writer.ts";

/** A request of this size takes no further partition, as all of it is in memory at once. */
const FULL_REQUEST_BYTES = 4_000_000;

const GIVEN_UP = "the record was given up before it was stored";

/** How records are sent. */
export type BatcherOptions = Pick<
  KafkaProducerConfig,
  | "maxRecordBytes"
  | "maxBatchBytes"
  | "maxBatchRecords"
  | "lingerMs"
  | "retries"
  | "reconnectBackoffMs"
  | "reconnectBackoffMaxMs"
>;

/** What sends batches to the brokers that lead the partitions of a topic. */
export type Sender = Pick<
  BatchSender,
  "topic" | "partitionCount" | "leaderOf" | "send" | "forget" | "refresh"
>;

/**
 * Stores records in batches. Each broker has one request in flight, with one batch for each of its partitions that has
 * records. Records that arrive meanwhile share the next request. An idle broker gets one at once, or after `lingerMs`.
 */
export class RecordBatcher {
  readonly #sender: Sender;
  readonly #options: BatcherOptions;
  readonly #queues = new Map<number, PartitionQueue>();
  readonly #requests = new Map<number, Promise<void>>();
  readonly #watched = new WeakSet<AbortSignal>();
  readonly #closing = new AbortController();
  /** Reduced when brokers refuse a batch as too large for the topic. */
  #limits: BatchLimits;
  /** The partition of records without a key, until a batch is sent there or fails. */
  #keylessPartition: number;
  #isAwake = false;
  #alarm: ReturnType<typeof setTimeout> | undefined;

  constructor(sender: Sender, options: BatcherOptions) {
    this.#sender = sender;
    this.#options = options;
    this.#limits = {
      bytes: Math.min(options.maxBatchBytes, options.maxRecordBytes),
      records: options.maxBatchRecords,
    };
    this.#keylessPartition = Math.floor(Math.random() * sender.partitionCount);
    this.#moveKeyless();
  }

  /**
   * Resolves with the record's place once it is stored; rejects when it may not be stored. A record
   * whose signal aborts while it waits is not sent.
   */
  add(record: OutboundRecord, signal: AbortSignal): Promise<string> {
    const size = recordSize(record);
    const bytes = size + MAX_PLACE_SIZE + BATCH_FIELDS.records;
    const { maxRecordBytes } = this.#options;
    if (bytes > maxRecordBytes) {
      const reason = `a record of ${bytes} bytes is not sent, as message.max.bytes is`;
      return Promise.reject(this.#failure(`${reason} ${maxRecordBytes}`, { isTooLarge: true }));
    }
    if (signal.aborted || this.#closing.signal.aborted) {
      return Promise.reject(this.#failure(GIVEN_UP));
    }
    this.#watch(signal);
    const { key, value, headers } = record;
    const queue = this.#queueFor(record);
    return new Promise((resolve, reject) => {
      this.#enqueue({ key, value, headers, size, signal, resolve, reject }, queue);
    });
  }

  /** Rejects waiting records, and waits up to `deadlineMs` for requests in flight. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#alarm);
    for (const queue of this.#queues.values()) this.#giveUp(queue, () => true);
    await atMost(Promise.all(this.#requests.values()), deadlineMs);
  }

  #enqueue(record: WaitingRecord, queue: PartitionQueue): void {
    const { lingerMs } = this.#options;
    const isFirst = queue.isEmpty;
    queue.add(record);
    if (lingerMs > 0 && isFirst) queue.dueAtMs = performance.now() + lingerMs;
    if (!this.#canSend(queue)) return;
    if (lingerMs === 0 || isFirst || queue.isFull(this.#limits)) this.#wake();
  }

  #queueFor(record: OutboundRecord): PartitionQueue {
    const partition = this.#partitionFor(record);
    const known = this.#queues.get(partition);
    if (known !== undefined) return known;
    const queue = new PartitionQueue(partition);
    this.#queues.set(partition, queue);
    return queue;
  }

  #partitionFor({ key, putBackTo, orderGroup }: OutboundRecord): number {
    const { topic, partitionCount } = this.#sender;
    const former = partitionOf(putBackTo?.get("partition"));
    if (former < partitionCount && putBackTo?.get("topic") === topic) return former;
    // Events without a key stay together, also when their partition is gone.
    const group = key === null && former < Infinity ? former : partitionOf(orderGroup);
    if (group < Infinity) return group % partitionCount;
    return key === null ? this.#keylessPartition : partitionOfKey(key, partitionCount);
  }

  #canSend({ current, partition }: PartitionQueue): boolean {
    return current === null && !this.#requests.has(this.#sender.leaderOf(partition));
  }

  /** Starts requests in a microtask, so that records added until then share them. */
  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    queueMicrotask(() => {
      this.#isAwake = false;
      this.#startRequests();
    });
  }

  #startRequests(): void {
    const waiting = [...this.#queues.values()]
      .filter((queue) => !queue.isEmpty && this.#canSend(queue));
    const byLeader = Map.groupBy(waiting, ({ partition }) => this.#sender.leaderOf(partition));
    const nowMs = performance.now();
    let nextDueAtMs = Infinity;
    for (const [leader, queues] of byLeader) {
      const dueAtMs = Math.min(
        ...queues.map((queue) => queue.isFull(this.#limits) ? 0 : queue.dueAtMs),
      );
      if (dueAtMs > nowMs) {
        nextDueAtMs = Math.min(nextDueAtMs, dueAtMs);
      } else {
        this.#requests.set(leader, this.#request(leader, this.#takeBatches(queues)));
      }
    }
    if (nextDueAtMs === Infinity) return;
    clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => this.#wake(), Math.ceil(nextDueAtMs - nowMs));
  }

  #takeBatches(queues: readonly PartitionQueue[]): Batch[] {
    const batches: Batch[] = [];
    let bytes = 0;
    for (const queue of queues) {
      if (bytes >= FULL_REQUEST_BYTES) break;
      const batch = queue.take(this.#limits);
      batches.push(batch);
      bytes += batch.bytes;
      queue.dueAtMs = 0;
      // Moved to the end, as partitions take turns.
      this.#queues.delete(queue.partition);
      this.#queues.set(queue.partition, queue);
      if (queue.partition === this.#keylessPartition) this.#moveKeyless();
    }
    return batches;
  }

  async #request(leader: number, batches: readonly Batch[]): Promise<void> {
    const outcomes = await this.#sender.send(leader, batches);
    this.#requests.delete(leader);
    for (const [index, batch] of batches.entries()) {
      const queue = this.#queues.get(batch.partition);
      const outcome = outcomes[index];
      if (queue && outcome) this.#settle(batch, { queue, outcome });
    }
    this.#wake();
  }

  #settle(batch: Batch, { queue, outcome }: { queue: PartitionQueue; outcome: Outcome }): void {
    queue.current = null;
    if ("offset" in outcome) {
      batch.resolve(outcome);
      return;
    }
    const { error, remedy } = outcome;
    if (remedy === "repeat" && batch.failures < this.#options.retries) {
      batch.failures++;
      queue.putBack(batch);
      void this.#pause(queue, batch);
    } else {
      this.#sender.forget(batch);
      if (remedy === "shrink") this.#shrinkBelow(batch);
      const isPartlyRefused = remedy === "split" || remedy === "shrink";
      if (isPartlyRefused && batch.records.length > 1) queue.putBack(...batch.halves());
      else batch.reject(error);
    }
    // Aborted records could not be removed while their batch was in flight.
    this.#giveUp(queue, this.#closing.signal.aborted ? () => true : isAborted);
  }

  async #pause(queue: PartitionQueue, batch: Batch): Promise<void> {
    queue.current = batch;
    if (queue.partition === this.#keylessPartition) this.#moveKeyless();
    await Promise.all([
      sleep(this.#pauseMs(batch), this.#closing.signal),
      this.#sender.refresh(),
    ]);
    queue.current = null;
    this.#wake();
  }

  #pauseMs({ failures }: Batch): number {
    const { reconnectBackoffMs, reconnectBackoffMaxMs } = this.#options;
    const backoff = {
      initialDelayMs: reconnectBackoffMs,
      maxDelayMs: reconnectBackoffMaxMs,
      multiplier: 2,
    };
    return backoffDelays(backoff, halfRandom).drop(failures - 1).next().value!;
  }

  /** Limits batches to half of a refused one: only the brokers know what the topic accepts. */
  #shrinkBelow(refused: Batch): void {
    if (refused.records.length === 1) return;
    const bytes = Math.min(this.#limits.bytes, Math.ceil(refused.bytes / 2));
    this.#limits = { ...this.#limits, bytes };
  }

  /** Moves to the next partition that has a leader and does not fail, if there is one. */
  #moveKeyless(): void {
    const { partitionCount } = this.#sender;
    for (let tried = 0; tried < partitionCount; tried++) {
      this.#keylessPartition = (this.#keylessPartition + 1) % partitionCount;
      const isLed = this.#sender.leaderOf(this.#keylessPartition) >= 0;
      if (isLed && !this.#queues.get(this.#keylessPartition)?.isFailing) return;
    }
  }

  #watch(signal: AbortSignal): void {
    if (this.#watched.has(signal)) return;
    this.#watched.add(signal);
    signal.addEventListener("abort", () => {
      for (const queue of this.#queues.values()) this.#giveUp(queue, isAborted);
    }, { once: true });
  }

  #giveUp(queue: PartitionQueue, isGone: (record: WaitingRecord) => boolean): void {
    const { records, batches } = queue.remove(isGone);
    for (const batch of batches) this.#sender.forget(batch);
    for (const { reject } of records) reject(this.#failure(GIVEN_UP));
  }

  #failure(reason: string, options: { isTooLarge?: boolean } = {}): ResultProcessorError {
    return new ResultProcessorError(`topic '${this.#sender.topic}': ${reason}`, options);
  }
}

/** The number of a partition, also of one that does not exist; infinite for any other text. */
function partitionOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : Infinity;
}

function isAborted({ signal }: WaitingRecord): boolean {
  return signal.aborted;
}

/** A factor between 0.5 and 1: brokers need time, and the few retries must not be used up at once. */
function halfRandom(): number {
  return (1 + Math.random()) / 2;
}
