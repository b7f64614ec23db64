import { aborted } from "../../../core/backoff.ts";
import type { AttemptsMade } from "../../../core/event.ts";
import { LeaseController } from "../../../core/lease.ts";
import { type Deliver, EventNotSettledError } from "../../../core/listener.ts";
import type { Limits } from "../../../core/transport.ts";
import { formatNote } from "./attempts_note.ts";
import { free, type LargeRecords } from "./large_records.ts";
import { OffsetTracker } from "./offset_tracker.ts";
import { sizeOf } from "./opened_batch.ts";
import type { FetchedRecord, FetchedRecords } from "./record_batch.ts";
import { RecordOrigin } from "./record_origin.ts";
import { isSuspicious, type SuspectTurns } from "./suspects.ts";
import { WaitingRecords } from "./waiting_records.ts";

/** A partition with this many fetched, undelivered bytes is not fetched. */
const MAX_WAITING_BYTES = 256 * 1024;

/**
 * How many delivered events may wait for a call slot. More would only take memory: each freed slot triggers the next
 * delivery.
 */
const MAX_QUEUED = 2;

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
  /** Called when `wantsMore` becomes true again, because the buffer has shrunk. */
  readonly noteWanted: () => void;
  /** Requests a commit ahead of the interval when much has settled: a crash would repeat all of it. */
  readonly commit: () => void;
  /** Commits all partitions. Resolves when the commit has succeeded or failed; never rejects. */
  readonly announce: () => Promise<void>;
  /** Shared by all partitions. */
  readonly suspectTurns: SuspectTurns;
  /** Shared by all partitions. */
  readonly largeRecords: LargeRecords;
  /** Largest event in bytes: key, value and headers. */
  readonly maxEventBytes: number;
  /** Called with the first unreadable offset and the reason. The partition then stops there. */
  readonly unreadable: (offset: number, reason: string) => void;
  /** Ends the listener with an error. */
  readonly fail: (error: unknown) => void;
}

/** A partition of this member, from its assignment until it is given up. */
export class AssignedPartition {
  readonly partition: number;
  /** Ends when the partition is given up. */
  readonly lease = new LeaseController();
  readonly tracker: OffsetTracker;
  /** The offset last committed; only a higher offset or a new note is committed next. */
  committed: number;
  /** The offset last sent in a commit. The broker may have stored it although no response came. */
  committing: number;
  /** Metadata of the last commit; null after a failed commit, when it is unknown. */
  committedNote: string | null = "";
  readonly #options: AssignedPartitionOptions;
  readonly #waiting: WaitingRecords;
  #fetchedEnd: number;
  #wantedMore = true;
  #deliversSoon = false;
  #delivered = 0;
  #deliveredBytes = 0;
  #idle: PromiseWithResolvers<void> | null = null;
  #doubt: PromiseWithResolvers<void> | null = null;
  /** A record held back until a commit has marked it as under way. */
  #held: FetchedRecord | null = null;
  /** The offset that a commit last marked, or is marking, as under way. */
  #announced = -1;
  #isAnnouncing = false;
  /** How many more events are each marked as under way by a commit before delivery. */
  #toAnnounce: number;
  #endTurn: () => void = () => {};

  constructor(options: AssignedPartitionOptions) {
    const { partition, nextOffset, past, limits } = options;
    this.#toAnnounce = isSuspicious(past) ? limits.maxLookahead : 1;
    if (past !== undefined) this.lease.noteAttempts(nextOffset, past);
    this.#options = options;
    this.partition = partition;
    this.tracker = new OffsetTracker(nextOffset);
    this.committed = nextOffset;
    this.committing = nextOffset;
    this.#fetchedEnd = nextOffset;
    this.#waiting = new WaitingRecords({
      maxEventBytes: options.maxEventBytes,
      room: options.largeRecords.room(),
      passed: (lastOffset) => this.tracker.skipTo(lastOffset + 1),
      opened: () => this.#deliverWaiting(),
      shrank: () => this.#noteWanted(),
      unreadable: (lastOffset, reason) => this.#noteUnreadable(lastOffset, reason),
    });
    this.lease.ending.addEventListener("abort", () => this.#giveUpWaiting(), { once: true });
    this.lease.onChange(() => this.#noteIdle());
    this.lease.onQueueShrank(() => this.#deliverSoon());
  }

  /** Commit metadata: the attempts for the event at the committable offset, and whether it is under way. */
  get note(): string {
    const { tracker: { committable }, lease } = this;
    const isUnderWay = this.#announced === committable
      ? lease.isOccupiedBy(committable)
      : lease.isAtWorkOn(committable);
    return formatNote({ attempts: lease.attemptsOf(committable), isUnderWay });
  }

  /** Whether ownership is unconfirmed: after a rebalance or topic re-creation, until the next fetch offset is known. */
  get isDoubtful(): boolean {
    return this.#doubt !== null;
  }

  set isDoubtful(isDoubtful: boolean) {
    if (isDoubtful) {
      this.#doubt ??= Promise.withResolvers();
      return;
    }
    this.#doubt?.resolve();
    this.#doubt = null;
  }

  /** Resolves when ownership is confirmed, nothing settled is uncommitted, or the lease has ended. */
  async certain(): Promise<void> {
    if (this.#doubt === null || this.tracker.committable === this.committed) return;
    await Promise.race([this.#doubt.promise, aborted(this.lease.ended)]);
  }

  /** All offsets below have been fetched. */
  get fetchedEnd(): number {
    return this.#fetchedEnd;
  }

  /** Whether to fetch more. True while ownership is unconfirmed: the next fetch offset decides it. */
  get wantsMore(): boolean {
    return this.isDoubtful ||
      !this.#waiting.isEnded &&
        this.#waiting.bytes < Math.min(MAX_WAITING_BYTES, this.#bytesAllowed);
  }

  /**
   * Buffers fetched records, except those fetched before. Two brokers may send the same ones around a leader change,
   * and a kept partition is fetched again from its committed offset.
   *
   * @param nextOffset where the next fetch begins: nothing else exists below it
   */
  enqueue(fetched: readonly FetchedRecords[], nextOffset: number): void {
    for (const records of fetched) {
      if (records.lastOffset < this.#fetchedEnd) continue;
      this.#waiting.add(records);
    }
    this.#wantedMore = this.wantsMore;
    this.#fetchedEnd = Math.max(this.#fetchedEnd, nextOffset);
    this.#deliverWaiting();
  }

  /**
   * Resolves when drained. An ending lease: no delivered event is left. A suspended lease: no work runs, and every
   * event below `drainEnd` has settled.
   */
  async idle(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    const { promise } = this.#idle;
    this.#noteIdle();
    await promise;
  }

  get #bytesAllowed(): number {
    return this.#options.limits.maxBufferedBytes / this.lease.peers / 2;
  }

  get #hasRoom(): boolean {
    const { maxLookahead } = this.#options.limits;
    const { ending, queued } = this.lease;
    if (this.#held !== null && (this.#isAnnouncing || this.tracker.span > 0)) return false;
    return !ending.aborted && queued < MAX_QUEUED &&
      this.tracker.span < maxLookahead &&
      (this.#deliveredBytes < this.#bytesAllowed || this.#delivered === 0);
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
      while (this.#hasRoom) {
        const record = this.#held ?? this.#next();
        if (record === null) return;
        this.#held = null;
        // Brokers send whole batches, so the first may begin with settled records.
        if (record.offset < this.tracker.end) {
          record.held?.release();
          continue;
        }
        if (this.#toAnnounce > 0 && record.offset !== this.#announced) {
          this.#held = record;
          if (this.tracker.span === 0) this.#announce(record).catch(this.#options.fail);
        } else this.#deliver(record);
      }
    } catch (error) {
      this.#options.fail(error);
    }
  }

  /**
   * Commits a mark for the first event of an assignment before its delivery: if the event ends the process, the mark
   * remains. After repeated crashes, any event delivered along with it may be the cause. Then each of them is marked,
   * and delivered one by one.
   */
  async #announce({ offset }: FetchedRecord): Promise<void> {
    const { past, announce, suspectTurns } = this.#options;
    this.#isAnnouncing = true;
    if (isSuspicious(past)) this.#endTurn = await suspectTurns.take();
    if (this.lease.ending.aborted) return this.#endTurn();
    this.tracker.skipTo(offset);
    this.#announced = offset;
    await announce();
    this.#isAnnouncing = false;
    this.#deliverWaiting();
  }

  #next(): FetchedRecord | null {
    const next = this.#waiting.next();
    if (next === null && this.#waiting.isEmpty && !this.#waiting.isEnded) {
      this.tracker.skipTo(this.#fetchedEnd);
    }
    return next;
  }

  #noteWanted(): void {
    const { wantsMore } = this;
    if (wantsMore && !this.#wantedMore) this.#options.noteWanted();
    this.#wantedMore = wantsMore;
  }

  #noteUnreadable(lastOffset: number, reason: string): void {
    this.#options.unreadable(
      this.tracker.end,
      `${reason}; to go on without the events up to offset ${lastOffset}, set the group's offset ` +
        `there to ${lastOffset + 1}`,
    );
  }

  #giveUpWaiting(): void {
    this.#held?.held?.release();
    this.#waiting.end();
  }

  #deliver(record: FetchedRecord): void {
    const { topic, nextOffset, past, deliver, commit, fail } = this.#options;
    const { offset, key, value, headers, timestampMs, oversize, held } = record;
    const origin = new RecordOrigin(topic, this.partition, offset, timestampMs);
    const whole = { origin, position: offset, key, value, headers, timestampMs };
    const bare = oversize === undefined ? whole : { ...whole, oversize };
    const event = past !== undefined && offset === nextOffset ? { ...bare, past } : bare;
    const bytes = sizeOf(event);
    this.tracker.start(offset);
    if (this.#toAnnounce > 0) this.#toAnnounce--;
    this.#delivered++;
    this.#deliveredBytes += bytes;
    deliver(event, this.lease).then(() => {
      this.tracker.finish(offset);
      if (this.#hasMuchToCommit) commit();
      held?.release();
      if (held !== undefined) free(value);
      this.#leave(offset, bytes);
    }, (error) => {
      if (!(error instanceof EventNotSettledError)) fail(error);
      held?.release();
      this.#leave(offset, bytes);
    });
  }

  #leave(offset: number, bytes: number): void {
    this.#delivered--;
    this.#deliveredBytes -= bytes;
    if (offset === this.#announced) this.#endTurn();
    this.#noteIdle();
    this.#deliverSoon();
  }

  /** False while a commit is under way or has failed: the next regular commit covers the rest. */
  get #hasMuchToCommit(): boolean {
    return this.committing === this.committed &&
      this.tracker.committable - this.committed >= this.#options.limits.maxLookahead;
  }

  #noteIdle(): void {
    if (this.#idle === null || !this.#isIdle) return;
    this.#idle.resolve();
    this.#idle = null;
  }

  get #isIdle(): boolean {
    const { ending, isWorking, drainEnd } = this.lease;
    if (this.#delivered === 0) return true;
    return !ending.aborted && !isWorking && this.tracker.committable >= drainEnd;
  }
}
