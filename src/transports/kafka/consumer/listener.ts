import type { Consumer } from "kafkajs";
import { aborted, atMost } from "../../../core/backoff.ts";
import type { Lease } from "../../../core/lease.ts";
import type { Deliver, Listener } from "../../../core/listener.ts";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import type { Limits, OpenContext } from "../../../core/transport.ts";
import { AssignedPartition } from "./assigned_partition.ts";
import { clientFailure, rootMessage } from "../client/client_failure.ts";
import type { KafkaListenerConfig } from "../config/mod.ts";
import { createKafka, requireTopic } from "../kafkajs/client.ts";
import { registerConsumer } from "../kafkajs/consumers.ts";
import { HeldPartitions } from "./held_partitions.ts";
import { createGroupConsumer } from "./group_consumer.ts";
import { FetchDemand } from "./fetch_buffer.ts";
import { LargeRecords } from "../records/large_records.ts";
import { Membership } from "./membership.ts";
import type { PartitionOffset } from "../kafkajs/types.ts";
import { OffsetCommits } from "./offset_commits.ts";
import { GroupEntry } from "./group_entry.ts";
import { StartAtEnd } from "./offset_reset.ts";
import type { FetchedPartition } from "./partition_response.ts";
import type { Unreadable } from "../records/fetched_batches.ts";
import { PartitionProblems } from "../client/partition_problems.ts";
import { attemptsBefore, isSuspect, SuspectTurns } from "./poison_pill.ts";
import { ReadingEnd, type ReadingEndOptions } from "./reading_end.ts";

const COMMIT_INTERVAL_MS = 200;

/** How long calls in flight may take before this member rejoins: its partitions may go to others. */
const REBALANCE_DRAIN_MS = 3000;

/** `Health` key of the group membership. */
const MEMBERSHIP = "membership";

/** A rejoin is part of each rebalance; health reports it only if it takes longer. */
const MAX_REJOIN_MS = 15_000;

/** How long the last commit and leaving the group may each take: brokers may be away. */
const LEAVE_MS = 3000;

/**
 * Reads a topic as a member of a consumer group. Each assigned partition has its own lease, suspended while the group
 * rebalances and ended when the partition is given up. Settled offsets are committed at intervals, and before
 * partitions may be given up.
 */
export class KafkaListener implements Listener {
  readonly #config: KafkaListenerConfig;
  readonly #log: Logger;
  readonly #limits: Limits;
  readonly #health: Health | undefined;
  readonly #failure = Promise.withResolvers<never>();
  readonly #gaveUp = Promise.withResolvers<void>();
  readonly #held = new HeldPartitions();
  /** Commits of assigned partitions, as they were at their assignment. */
  readonly #committed = new Map<number, PartitionOffset>();
  readonly #largeRecords: LargeRecords;
  readonly #entry: GroupEntry;
  readonly #consumer: Consumer;
  readonly #end: ReadingEnd | null;
  readonly #commits: OffsetCommits;
  readonly #demand = new FetchDemand();
  readonly #suspectTurns = new SuspectTurns();
  readonly #troubles: PartitionProblems;
  #membership: Membership | null = null;
  #isFenced = false;
  #stopping = false;

  private constructor(
    config: KafkaListenerConfig,
    { log, limits, health }: OpenContext,
    { entry, end }: { entry: GroupEntry; end: ReadingEndOptions | undefined },
  ) {
    this.#config = config;
    this.#entry = entry;
    this.#end = end === undefined ? null : new ReadingEnd(end);
    this.#health = health;
    health?.fails(MEMBERSHIP, `it has not joined group '${config.consumerConfig.groupId}' yet`);
    this.#log = log;
    this.#limits = limits;
    this.#largeRecords = new LargeRecords(limits);
    this.#failure.promise.catch(() => {});
    this.#troubles = new PartitionProblems({ topic: config.topic, action: "read", log, health });
    this.#commits = new OffsetCommits({
      topic: config.topic,
      sessionTimeoutMs: config.consumerConfig.sessionTimeoutMs,
      group: () => this.#membership?.group,
      partitions: () => this.#held.all,
      isCommitting: this.#end?.options.commits ?? true,
      onCommit: (partition, offset) => this.#end?.options.onCommit(partition, offset),
      onFailure: (error) => this.#fail(error),
      log,
      health,
    });
    this.#consumer = createGroupConsumer(config, {
      log,
      health,
      onJoin: (partitions) => this.#joined(partitions),
      onFailure: (error) => this.#fail(error),
    });
  }

  /**
   * @param end where reading ends, if it does
   * @throws {Error} when the brokers cannot be reached or the topic does not exist
   */
  static async open(
    config: KafkaListenerConfig,
    context: OpenContext,
    end?: ReadingEndOptions,
  ): Promise<KafkaListener> {
    const { topic, consumerConfig } = config;
    const kafka = createKafka(consumerConfig, context);
    await requireTopic(kafka, topic, consumerConfig);
    const { groupId, autoOffsetReset } = consumerConfig;
    const start = autoOffsetReset === "latest" ? new StartAtEnd(kafka, { groupId, topic }) : null;
    const entry = new GroupEntry({ groupId, topic, start }, context);
    await entry.open();
    const listener = new KafkaListener(config, context, { entry, end });
    await listener.#consumer.connect();
    return listener;
  }

  async listen(deliver: Deliver, lease: Lease): Promise<void> {
    const { topic, consumerConfig } = this.#config;
    const end = this.#end;
    this.#membership = new Membership({
      entry: this.#entry,
      prepareRebalance: () => this.#prepareRebalance(),
      fenced: () => this.#fenced(),
      consumerStopped: (error, heldForMs) => this.#consumerStopped(error, heldForMs),
      committedBefore: (committed) => this.#committed.set(committed.partition, committed),
      offsetReset: consumerConfig.autoOffsetReset,
      log: this.#log,
      resets: (partition) => this.#held.noteReset(partition),
      topicGone: (isGone) => {
        if (isGone) this.#held.unconfirm();
        this.#entry.topicGone(isGone);
      },
      wantsMore: (partition, nextOffset) => this.#wantsMore(partition, nextOffset),
      demand: this.#demand,
      topic,
      troubles: this.#troubles,
      take: (fetched) => this.#take(fetched, deliver),
    }, { ...consumerConfig, log: this.#log, health: this.#health });
    registerConsumer(consumerConfig.groupId, this.#membership);
    await this.#consumer.subscribe({ topics: [topic], fromBeginning: true });
    const running = this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: () => Promise.reject(new Error("the member takes what is fetched")),
    });
    running.catch((error) => this.#fail(error));
    const timer = setInterval(() => {
      void this.#commits.commit();
      this.#troubles.report();
    }, COMMIT_INTERVAL_MS);
    try {
      const ends = [aborted(lease.ending), this.#failure.promise];
      await Promise.race(end === null ? ends : [...ends, end.reached]);
    } finally {
      this.#stopping = true;
      clearInterval(timer);
      const ended = lease.ending.aborted ? lease.ended : AbortSignal.timeout(REBALANCE_DRAIN_MS);
      await this.#giveUpPartitions({ ended });
      this.#gaveUp.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await atMost(this.#leave(), LEAVE_MS);
  }

  async #leave(): Promise<void> {
    await this.#membership?.stopJoining().catch((error) =>
      this.#log.debug(() => `cannot leave the group while joining it: ${rootMessage(error)}`)
    );
    await this.#consumer.disconnect();
  }

  #joined(partitions: readonly number[]): void {
    this.#isFenced = false;
    this.#held.keepOnly(partitions);
    this.#troubles.keepOnly(partitions);
    this.#commits.joined();
    this.#end?.assign(partitions);
    this.#health?.works(MEMBERSHIP);
  }

  #fail(error: unknown): void {
    this.#failure.reject(error);
  }

  #wantsMore(partition: number, nextOffset: number): boolean {
    if (this.#stopping) {
      // Fetches nothing more, but confirms ownership, so that settled events can be committed.
      this.#held.confirmOrRelease(partition, nextOffset);
      return false;
    }
    const held = this.#held.get(partition);
    if (this.#end?.isFetched(partition, { nextOffset, held })) return false;
    return held?.wantsMore ?? true;
  }

  #take(fetched: FetchedPartition, deliver: Deliver): void {
    if (this.#stopping) {
      this.#held.confirmOrRelease(fetched.partition, fetched.fetchedOffset);
      return;
    }
    this.#assignedPartition(fetched, deliver).enqueue(fetched.records, fetched.nextOffset);
  }

  #assignedPartition(
    { partition, fetchedOffset }: FetchedPartition,
    deliver: Deliver,
  ): AssignedPartition {
    const held = this.#held.confirmOrRelease(partition, fetchedOffset);
    if (held !== null) return held;
    this.#troubles.beginsAnew(partition);
    const past = attemptsBefore(this.#committed.get(partition), fetchedOffset);
    if (isSuspect(past)) {
      const first = `${this.#config.topic}[${partition}]@${fetchedOffset}`;
      this.#log.warn(
        `the process has ended ${past.crashes} times at ${first} or a later event: handling events there one by one`,
      );
    }
    const assigned = new AssignedPartition({
      topic: this.#config.topic,
      partition,
      nextOffset: fetchedOffset,
      past,
      limits: this.#limits,
      deliver: this.#end?.bounded(partition, deliver) ?? deliver,
      demand: this.#demand,
      commit: () => this.#commits.commitAll(),
      suspectTurns: this.#suspectTurns,
      largeRecords: this.#largeRecords,
      maxEventBytes: this.#config.maxEventBytes,
      unreadable: (offset, reason) => this.#noteUnreadable(partition, { offset, reason }),
      fail: (error) => this.#fail(error),
    });
    this.#held.add(assigned);
    return assigned;
  }

  /** Other partitions continue. A listener with an end fails instead, as it would never reach that end. */
  #noteUnreadable(partition: number, unreadable: Unreadable): void {
    const { offset, reason } = unreadable;
    if (this.#end === null) {
      this.#troubles.note(partition, { ...unreadable, isTransient: false, isFinal: true });
    } else {
      this.#fail(new Error(`cannot read ${this.#config.topic}[${partition}]@${offset}: ${reason}`));
    }
  }

  /** Suspends all leases, drains, and commits: any partition may move to another member. */
  async #prepareRebalance(): Promise<void> {
    const reason =
      `it has left group '${this.#config.consumerConfig.groupId}' and not joined it again`;
    this.#health?.fails(MEMBERSHIP, reason, { afterMs: MAX_REJOIN_MS });
    if (this.#isFenced) return;
    for (const { lease } of this.#held.all) lease.suspend();
    await this.#held.idle(AbortSignal.timeout(REBALANCE_DRAIN_MS));
    await atMost(this.#commits.commitAll(), LEAVE_MS);
    this.#held.unconfirm();
  }

  /** Stops new work, as others may own the partitions. Those without a new owner continue after the rejoin. */
  #fenced(): void {
    this.#isFenced = true;
    for (const { lease } of this.#held.all) lease.freeze();
    this.#held.unconfirm();
    this.#log.warn(
      `group '${this.#config.consumerConfig.groupId}' has removed this member, which joins again; ` +
        "events that other members got meanwhile are handled again",
    );
  }

  /** Running work may finish while the partitions stay this member's; then it leaves the group. */
  async #consumerStopped(error: Error, heldForMs: number): Promise<void> {
    if (heldForMs === 0) this.#held.releaseAll();
    this.#fail(clientFailure("consumer stopped", error));
    await atMost(this.#gaveUp.promise, heldForMs);
    this.#held.releaseAll();
  }

  /** Drains until `ended` aborts, commits what has settled, and drops the partitions. */
  async #giveUpPartitions({ ended }: Pick<Lease, "ended">): Promise<void> {
    for (const { lease } of this.#held.all) lease.beginEnd();
    // Clears the under-way marks: no event is to blame if the process is killed from here on.
    void this.#commits.commit();
    await this.#held.idle(ended);
    // A join under way may still confirm ownership; after a failure there is no further join.
    await Promise.race([this.#held.confirmed(ended), this.#failure.promise.catch(() => {})]);
    for (const { lease } of this.#held.all) lease.end();
    await atMost(this.#commits.commitLast(), LEAVE_MS);
    this.#held.releaseAll();
  }
}
