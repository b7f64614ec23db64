import type { Consumer, EachBatchPayload, KafkaMessage } from "kafkajs";
import { aborted, atMost, formatDelay } from "../../backoff.ts";
import type { Bytes, InboundEvent, RecordHeader } from "../../event.ts";
import type { Lease } from "../../lease.ts";
import { type Deliver, EventNotSettledError, type Listener } from "../../listener.ts";
import type { Logger } from "../../log.ts";
import type { OpenContext } from "../../transport.ts";
import { AssignedPartition } from "./assigned_partition.ts";
import { createKafka, requireTopic, retryOptions, rootMessage } from "./client.ts";
import type { KafkaListenerConfig } from "./config.ts";
import { isGivenUp, onOffsetReset, onRejoin } from "./kafkajs_patches.ts";
import { startNewGroupAtEnd } from "./offset_reset.ts";

const COMMIT_INTERVAL_MS = 200;

/** How long partitions that are about to be given up may take to finish what runs. */
const REBALANCE_DRAIN_MS = 3000;

/** How long the last commit and leaving the group may each take: brokers can be away when a listener ends. */
const LEAVE_MS = 3000;

/**
 * A member that joins anew after an outage waits until the session of its former self has run out, so the consumer
 * outlasts an outage of about a session, and looks often enough to be back soon after it.
 */
const PATIENCE = { retries: 10, maxRetryTime: 5000 };

/** The broker's answers to a commit by a member whose partitions are being, or were, given to others. */
const FENCED = new Set(["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"]);

/**
 * Reads a topic as a member of a consumer group. Every assigned partition has a lease of its own, which ends when the
 * partition is given up; the offsets up to which everything has settled are committed at intervals, and before
 * partitions are given up.
 */
export class KafkaListener implements Listener {
  readonly #config: KafkaListenerConfig;
  readonly #log: Logger;
  readonly #failure = Promise.withResolvers<never>();
  readonly #partitions = new Map<number, AssignedPartition>();
  readonly #wereReset = new Set<number>();
  readonly #consumer: Consumer;
  #commitOffsets: EachBatchPayload["commitOffsetsIfNecessary"] | null = null;
  #committing: Promise<void> | null = null;
  #stopping = false;
  #fencedSinceMs: number | null = null;

  private constructor(config: KafkaListenerConfig, { log }: OpenContext) {
    this.#config = config;
    this.#log = log;
    this.#failure.promise.catch(() => {});
    this.#consumer = this.#createConsumer();
  }

  /** @throws {Error} when the brokers cannot be reached or the topic does not exist */
  static async open(config: KafkaListenerConfig, context: OpenContext): Promise<KafkaListener> {
    const { topic, consumerConfig } = config;
    const kafka = createKafka(consumerConfig, context);
    await requireTopic(kafka, topic, consumerConfig);
    if (consumerConfig.autoOffsetReset === "latest") {
      await startNewGroupAtEnd(kafka, { groupId: consumerConfig.groupId, topic });
    }
    const listener = new KafkaListener(config, context);
    await listener.#consumer.connect();
    return listener;
  }

  async listen(deliver: Deliver, lease: Lease): Promise<void> {
    const { topic, consumerConfig } = this.#config;
    onRejoin(
      consumerConfig.groupId,
      () => this.#giveUpPartitions({ ended: AbortSignal.timeout(REBALANCE_DRAIN_MS) }),
    );
    onOffsetReset(consumerConfig.groupId, (_, partition) => this.#wereReset.add(partition));
    await this.#consumer.subscribe({ topics: [topic], fromBeginning: true });
    const running = this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#take(payload, deliver),
    });
    running.catch((error) => this.#fail(error));
    const timer = setInterval(() => this.#commit(), COMMIT_INTERVAL_MS);
    try {
      await Promise.race([aborted(lease.ending), this.#failure.promise]);
    } finally {
      this.#stopping = true;
      clearInterval(timer);
      const ended = lease.ending.aborted ? lease.ended : AbortSignal.timeout(REBALANCE_DRAIN_MS);
      await this.#giveUpPartitions({ ended });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await atMost(this.#consumer.disconnect(), LEAVE_MS);
  }

  #createConsumer(): Consumer {
    const { consumerConfig: config } = this.#config;
    const retry = { ...retryOptions(config), ...PATIENCE };
    const kafka = createKafka(config, {
      log: this.#log,
      retry,
      onUngrantedBroker: (broker) =>
        this.#fail(new Error(`broker ${broker} is new and not among the hosts it may reach yet`)),
    });
    const consumer = kafka.consumer({
      groupId: config.groupId,
      allowAutoTopicCreation: config.allowAutoTopicCreation,
      maxInFlightRequests: config.maxInFlightRequests,
      sessionTimeout: config.sessionTimeoutMs,
      heartbeatInterval: config.heartbeatIntervalMs,
      rebalanceTimeout: config.rebalanceTimeoutMs,
      minBytes: config.minBytes,
      maxBytes: config.maxBytes,
      maxBytesPerPartition: config.maxBytesPerPartition,
      maxWaitTimeInMs: config.maxWaitTimeMs,
      metadataMaxAge: config.metadataMaxAgeMs,
      readUncommitted: config.readUncommitted,
      ...(config.rackId === undefined ? {} : { rackId: config.rackId }),
      // A consumer that cannot go on must not come back by itself, unseen: the listener ends with it.
      retry: { ...retry, restartOnFailure: () => Promise.resolve(false) },
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
      const partitions = memberAssignment[this.#config.topic]?.join(", ") || "none";
      this.#log.info(
        `joined group '${config.groupId}': partitions ${partitions} of ${this.#config.topic}`,
      );
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#fail(new Error(`consumer stopped: ${rootMessage(payload.error)}`));
    });
    return consumer;
  }

  #fail(error: unknown): void {
    this.#failure.reject(error);
  }

  /** Hands a batch to the pipeline and returns at once: to wait here would stall every other partition. */
  #take({ batch, resolveOffset, ...payload }: EachBatchPayload, deliver: Deliver): Promise<void> {
    if (this.#stopping) payload.pause();
    if (this.#stopping || isGivenUp(batch)) return Promise.resolve();
    this.#commitOffsets = payload.commitOffsetsIfNecessary;
    const assigned = this.#assignedPartition(batch.partition, Number(batch.firstOffset()));
    // Around a change of leaders two brokers may both send what was asked for once.
    const { end } = assigned.tracker;
    assigned.enqueue(batch.messages.filter(({ offset }) => Number(offset) >= end));
    assigned.tracker.skipTo(Number(batch.lastOffset()) + 1);
    resolveOffset(batch.lastOffset());
    this.#deliverWaiting(assigned, deliver);
    if (assigned.hasWaiting) assigned.resume ??= payload.pause();
    return Promise.resolve();
  }

  #assignedPartition(partition: number, firstOffset: number): AssignedPartition {
    const known = this.#partitions.get(partition);
    const wasReset = this.#wereReset.delete(partition);
    if (known !== undefined && !(wasReset && firstOffset < known.tracker.end)) return known;
    // After a reset, offsets that go back are those of a topic that was created anew.
    known?.lease.end();
    known?.resumeFetching();
    const assigned = new AssignedPartition(partition, firstOffset);
    this.#partitions.set(partition, assigned);
    return assigned;
  }

  #deliverWaiting(assigned: AssignedPartition, deliver: Deliver): void {
    for (let message = assigned.dequeue(); message; message = assigned.dequeue()) {
      this.#deliver(assigned, { message, deliver });
    }
    if (!assigned.hasWaiting) assigned.resumeFetching();
  }

  #deliver(
    assigned: AssignedPartition,
    { message, deliver }: { message: KafkaMessage; deliver: Deliver },
  ): void {
    const event = this.#toEvent(assigned.partition, message);
    const bytes = sizeOf(event);
    assigned.add(bytes);
    deliver(event, assigned.lease)
      .then(() => assigned.tracker.finish(event.origin.offset))
      .catch((error) => {
        if (!(error instanceof EventNotSettledError)) this.#fail(error);
      })
      .finally(() => {
        assigned.remove(bytes);
        this.#deliverWaiting(assigned, deliver);
      });
  }

  #toEvent(
    partition: number,
    { offset, key, value, headers, timestamp }: KafkaMessage,
  ): InboundEvent {
    return {
      origin: { topic: this.#config.topic, partition, offset: Number(offset) },
      key: key as Bytes | null,
      value: value as Bytes | null,
      // Its type knows only objects; the patched codec makes lists.
      headers: headers as unknown as RecordHeader[],
      timestampMs: Number(timestamp),
    };
  }

  /** Lets what runs finish until `lease` has ended, commits what has settled, and forgets the partitions. */
  async #giveUpPartitions({ ended }: Pick<Lease, "ended">): Promise<void> {
    const givenUp = [...this.#partitions.values()];
    for (const { lease } of givenUp) lease.beginEnd();
    await Promise.race([Promise.all(givenUp.map((assigned) => assigned.idle())), aborted(ended)]);
    for (const { lease } of givenUp) lease.end();
    await atMost(this.#commitAll(), LEAVE_MS);
    for (const assigned of givenUp) assigned.resumeFetching();
    this.#partitions.clear();
    this.#fencedSinceMs = null;
  }

  async #commitAll(): Promise<void> {
    await this.#committing;
    await this.#commit();
  }

  /** Commits what has settled since the last time; one commit at a time. Never rejects. */
  #commit(): Promise<void> {
    this.#committing ??= this.#commitMoved().finally(() => this.#committing = null);
    return this.#committing;
  }

  async #commitMoved(): Promise<void> {
    const moved = [...this.#partitions.values()]
      .map((assigned) => ({ assigned, offset: assigned.tracker.committable }))
      .filter(({ assigned, offset }) => offset > assigned.committed);
    if (moved.length === 0) return;
    const partitions = moved.map(({ assigned, offset }) => ({
      partition: assigned.partition,
      offset: `${offset}`,
    }));
    try {
      await this.#commitOffsets?.({ topics: [{ topic: this.#config.topic, partitions }] });
      for (const { assigned, offset } of moved) assigned.committed = offset;
      this.#fencedSinceMs = null;
    } catch (error) {
      if (isFenced(error)) this.#fenced();
      else this.#log.warn(`cannot commit offsets: ${rootMessage(error)}; trying again`);
    }
  }

  /** A refused commit is normal until this member has joined anew. When that does not come about, it is a zombie. */
  #fenced(): void {
    this.#fencedSinceMs ??= performance.now();
    const fencedMs = performance.now() - this.#fencedSinceMs;
    this.#log.debug(() =>
      "commit refused: the group is rebalancing, or goes on without this member"
    );
    if (fencedMs < this.#config.consumerConfig.sessionTimeoutMs) return;
    this.#fail(new Error(`the group refuses its commits for ${formatDelay(fencedMs)}`));
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof Error && "type" in error && FENCED.has(String(error.type));
}

function sizeOf({ key, value, headers }: InboundEvent): number {
  const headerBytes = headers.reduce(
    (sum, [name, value]) => sum + name.length + (value?.length ?? 0),
    0,
  );
  return (key?.length ?? 0) + (value?.length ?? 0) + headerBytes;
}
