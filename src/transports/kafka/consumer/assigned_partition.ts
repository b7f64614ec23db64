import { aborted } from "../../../core/backoff.ts";
import type { AttemptsMade } from "../../../core/event.ts";
import { type Deliver, EventNotSettledError } from "../../../core/listener.ts";
import type { Limits } from "../../../core/transport.ts";
import { type Commit, CommitState } from "./commit_state.ts";
import { DeliveryWindow } from "./delivery_window.ts";
import { FetchBuffer, type FetchDemand } from "./fetch_buffer.ts";
import { free, type LargeRecords } from "../records/large_records.ts";
import { OffsetTracker } from "./offset_tracker.ts";
import { sizeOf } from "../records/opened_batch.ts";
import { Ownership } from "./ownership.ts";
import { PartitionLease } from "./partition_lease.ts";
import { formatNote, Suspects, type SuspectTurns } from "./poison_pill.ts";
import type { FetchedRecord, FetchedRecords } from "../records/record_batch.ts";
import { RecordDelivery } from "./record_delivery.ts";
import { RecordOrigin } from "./record_origin.ts";

/** An assigned partition's position, limits and callbacks. */
export interface AssignedPartitionOptions {
  readonly topic: string;
  readonly partition: number;
  /** The lowest unsettled offset, where delivery starts. */
  readonly nextOffset: number;
  /** Attempts made for that event before the takeover, from the commit's metadata. */
  readonly past?: AttemptsMade | undefined;
  readonly limits: Limits;
  readonly deliver: Deliver;
  /** Commits all partitions ahead of the interval. Resolves when that has succeeded or failed; never rejects. */
  readonly commit: () => Promise<void>;
  /** Shared by all partitions. */
  readonly suspectTurns: SuspectTurns;
  /** Shared by all partitions. */
  readonly demand: FetchDemand;
  /** Shared by all partitions. */
  readonly largeRecords: LargeRecords;
  /** Largest event in bytes: key, value and headers. */
  readonly maxEventBytes: number;
  /** Called with the first unreadable offset and the reason. The partition then stops there. */
  readonly unreadable: (offset: number, reason: string) => void;
  /** Ends the listener with an error. */
  readonly fail: (error: unknown) => void;
}

/**
 * A partition of this member, from its assignment until it is given up. Records go from the buffer to the pipeline as
 * far as the window allows; the tracker follows what settles, and decides what is committed.
 */
export class AssignedPartition {
  readonly partition: number;
  /** Ends when the partition is given up. */
  readonly lease = new PartitionLease();
  readonly ownership = new Ownership();
  readonly tracker: OffsetTracker;
  readonly commits: CommitState;
  readonly #options: AssignedPartitionOptions;
  readonly #suspects: Suspects;
  readonly #buffer: FetchBuffer;
  readonly #window: DeliveryWindow;
  #deliversSoon = false;
  #hasWorked = false;

  constructor(options: AssignedPartitionOptions) {
    const { partition, nextOffset, past, limits } = options;
    this.#options = options;
    this.partition = partition;
    this.tracker = new OffsetTracker(nextOffset);
    this.commits = new CommitState(nextOffset);
    this.#suspects = new Suspects({
      nextOffset,
      past,
      maxLookahead: limits.maxLookahead,
      turns: options.suspectTurns,
      commit: options.commit,
    });
    this.#window = new DeliveryWindow({
      tracker: this.tracker,
      lease: this.lease,
      suspects: this.#suspects,
      limits,
    });
    this.#buffer = new FetchBuffer({
      nextOffset,
      maxBytes: () => this.#window.maxBytes,
      maxEventBytes: options.maxEventBytes,
      room: options.largeRecords.room(),
      demand: options.demand,
      passed: (nextOffset) => this.tracker.skipTo(nextOffset),
      opened: () => this.#deliverWaiting(),
      unreadable: (lastOffset, reason) => this.#noteUnreadable(lastOffset, reason),
    });
    if (past !== undefined) this.lease.noteAttempts(nextOffset, past);
    this.lease.ending.addEventListener("abort", () => this.#buffer.close(), { once: true });
    this.lease.onWork((isWorking) => this.#noteWork(isWorking));
    this.lease.onQueueShrank(() => this.#deliverSoon());
  }

  /** What may be committed. The note holds the attempts for the event there, and whether it is under way. */
  get committable(): Commit {
    const { tracker: { committable: offset }, lease } = this;
    const isUnderWay = this.#suspects.has(offset)
      ? this.#suspects.isBlamed(offset) && lease.isBusyWith(offset)
      : lease.wouldBlame(offset);
    const note = formatNote({ attempts: lease.attemptsOf(offset), isUnderWay });
    return { offset, note };
  }

  /** All offsets below have been fetched. */
  get fetchedEnd(): number {
    return this.#buffer.end;
  }

  /** Whether to fetch more. True while ownership is unconfirmed: the next fetch offset decides it. */
  get wantsMore(): boolean {
    return !this.ownership.isConfirmed || this.#buffer.wantsMore;
  }

  /** Confirms ownership and resumes, if a fetch from this offset continues the partition; returns whether it does. */
  confirm(fetchedOffset: number): boolean {
    const isContinued = this.ownership.confirm(fetchedOffset, this);
    if (isContinued) this.lease.resume();
    return isContinued;
  }

  /** Resolves when ownership is confirmed, nothing settled is uncommitted, or the lease has ended. */
  async confirmed(): Promise<void> {
    if (this.tracker.committable === this.commits.committed) return;
    await Promise.race([this.ownership.confirmed, aborted(this.lease.ended)]);
  }

  /** Takes what was fetched, see {@linkcode FetchBuffer.add}. */
  enqueue(fetched: readonly FetchedRecords[], nextOffset: number): void {
    this.#buffer.add(fetched, nextOffset);
    this.#deliverWaiting();
  }

  /** Resolves when drained, see {@linkcode DeliveryWindow.idle}. */
  async idle(): Promise<void> {
    await this.#window.idle();
  }

  #deliverSoon(): void {
    if (this.#deliversSoon) return;
    this.#deliversSoon = true;
    queueMicrotask(() => {
      this.#deliversSoon = false;
      this.#deliverWaiting();
    });
  }

  #deliverWaiting(): void {
    try {
      while (this.#window.hasRoom) {
        const record = this.#buffer.next();
        if (record === null) return;
        // Brokers send whole batches, so the first may begin with settled records.
        if (record.offset < this.tracker.end) record.held?.release();
        else this.#deliver(record);
      }
    } catch (error) {
      this.#options.fail(error);
    }
  }

  #deliver(record: FetchedRecord): void {
    const { topic, nextOffset, past, deliver, fail } = this.#options;
    const { offset, key, value, headers, timestampMs, oversize, held } = record;
    const origin = new RecordOrigin(topic, this.partition, offset, timestampMs);
    const whole = { origin, position: offset, key, value, headers, timestampMs };
    const bare = oversize === undefined ? whole : { ...whole, oversize };
    const event = past !== undefined && offset === nextOffset ? { ...bare, past } : bare;
    const bytes = sizeOf(event);
    this.tracker.start(offset);
    this.#window.enter(bytes);
    const leave = () => {
      held?.release();
      this.#window.leave(bytes);
      this.#deliverSoon();
    };
    const delivery = new RecordDelivery(event, this.lease);
    const delivered = this.#suspects.has(offset)
      ? this.#deliverSuspect(delivery)
      : deliver(delivery);
    delivered.then(() => {
      delivery.settled();
      this.#noteSettled(offset);
      if (held !== undefined) free(value);
      leave();
    }, (error) => {
      if (!(error instanceof EventNotSettledError)) fail(error);
      leave();
    });
  }

  async #deliverSuspect(delivery: RecordDelivery): Promise<void> {
    await this.#suspects.begin(delivery.offset, this.lease.ending);
    try {
      await this.#options.deliver(delivery);
    } finally {
      this.#suspects.end();
    }
  }

  /**
   * Commits at once when work on the first event begins. If the process crashed before the next regular commit, there
   * would be no mark, and the crash would not count.
   */
  #noteWork(isWorking: boolean): void {
    if (!isWorking) return this.#suspects.end();
    if (!this.#hasWorked) void this.#options.commit();
    this.#hasWorked = true;
  }

  /** A crash would repeat all that has settled, so a whole look-ahead is not left to the interval. */
  #noteSettled(offset: number): void {
    this.tracker.finish(offset);
    const uncommitted = this.tracker.committable - this.commits.committed;
    const isMuch = uncommitted >= this.#options.limits.maxLookahead;
    // While a commit is under way or has failed, the next regular one covers the rest.
    if (isMuch && !this.commits.isPending) void this.#options.commit();
  }

  #noteUnreadable(lastOffset: number, reason: string): void {
    this.#options.unreadable(
      this.tracker.end,
      `${reason}; to skip the events up to offset ${lastOffset}, set the group's offset ` +
        `there to ${lastOffset + 1}`,
    );
  }
}
