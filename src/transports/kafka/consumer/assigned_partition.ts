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
import { isSuspicious, type SuspectTurns } from "./suspects.ts";
import { WaitingRecords } from "./waiting_records.ts";

/** What may wait of a partition, beyond what the pipeline works on, before no more of it is fetched. */
const MAX_WAITING_BYTES = 256 * 1024;

/**
 * How many events wait for a call's slot. More would only live longer, and cost memory: when one of them gets a slot, the
 * next one is delivered at once.
 */
const MAX_QUEUED = 2;

/** Where a partition's events go, and how many may be on their way. */
export interface AssignedPartitionOptions {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that was not settled before. */
  readonly nextOffset: number;
  /** What was tried before for the event there. */
  readonly past?: AttemptsMade | undefined;
  readonly limits: Limits;
  readonly deliver: Deliver;
  /** Told when more of it comes to be wanted, as less of it waits than before. */
  readonly noteWanted: () => void;
  /** Asked to commit when much has settled since the last commit: after a crash, it would be done again. */
  readonly commit: () => void;
  /** Commits what there is to commit, and resolves when that is done, or has not worked. Never rejects. */
  readonly announce: () => Promise<void>;
  /** Of all partitions together. */
  readonly suspectTurns: SuspectTurns;
  /** Those of all partitions together. */
  readonly largeRecords: LargeRecords;
  /** What an event may take: key, value and headers. */
  readonly maxEventBytes: number;
  /** Told from which offset on records cannot be read, and why. The partition goes no further. */
  readonly unreadable: (offset: number, reason: string) => void;
  /** Told when the pipeline cannot go on. */
  readonly fail: (error: unknown) => void;
}

/** What this member holds of one partition between getting and giving it up. */
export class AssignedPartition {
  readonly partition: number;
  /** Ends when the partition is given up. */
  readonly lease = new LeaseController();
  readonly tracker: OffsetTracker;
  /** The offset last committed, to commit only what moved. */
  committed: number;
  /** The offset of the last commit that was tried, which may have arrived though no answer came. */
  committing: number;
  /** What the last commit said of the event at its offset; null when that is not known. */
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
  /** A record that is not delivered before the group has been told. */
  #held: FetchedRecord | null = null;
  /** The offset of the event that the group has been told of last, or is being told of. */
  #announced = -1;
  #isAnnouncing = false;
  /** How many events are delivered one by one, each after the group has been told of it. */
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

  /** What a commit says of the event at its offset. */
  get note(): string {
    const { tracker: { committable }, lease } = this;
    const isUnderWay = this.#announced === committable
      ? lease.isOccupiedBy(committable)
      : lease.isAtWorkOn(committable);
    return formatNote({ attempts: lease.attemptsOf(committable), isUnderWay });
  }

  /** Whether it may be another's by now: passed to another member and back, or a new topic's, since the last commit. */
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

  /** Resolves when no doubt keeps from committing what has settled, or the partition is given up. */
  async certain(): Promise<void> {
    if (this.#doubt === null || this.tracker.committable === this.committed) return;
    await Promise.race([this.#doubt.promise, aborted(this.lease.ended)]);
  }

  /** Everything below was fetched. */
  get fetchedEnd(): number {
    return this.#fetchedEnd;
  }

  /** Whether more of the partition should be fetched; in doubt, to see from where. */
  get wantsMore(): boolean {
    return this.isDoubtful ||
      !this.#waiting.isEnded &&
        this.#waiting.bytes < Math.min(MAX_WAITING_BYTES, this.#bytesAllowed);
  }

  /**
   * Takes records that were fetched. Those that came before are left out: around a change of leaders two brokers may
   * both send them, and a partition that is kept is fetched again from where it was committed.
   *
   * @param nextOffset where the next fetch begins: below it, there is nothing else
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
   * Resolves when nothing is under way any more: of a lease that is ending, no event that was delivered; of one that is
   * suspended, none that has begun or lies between those that have.
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
        // A batch is fetched as a whole, with what may have settled before.
        if (record.offset < this.tracker.end) {
          record.held?.release();
          continue;
        }
        if (this.#toAnnounce > 0 && record.offset !== this.#announced) {
          this.#held = record;
          if (this.tracker.span === 0) this.#announce(record).catch(this.#options.fail);
        } else this.#deliver(record);
      }
      const { span, committable } = this.tracker;
      const isFull = span >= this.#options.limits.maxLookahead || this.#held !== null && span > 0;
      if (isFull) this.lease.noteObstacle(committable);
    } catch (error) {
      this.#options.fail(error);
    }
  }

  /**
   * The group is told of the first event of an assignment before it is delivered: it may be one that ends the process, and
   * would do so again and again, without a trace. When that has happened, it may have been any event that was delivered
   * with the first one, so all of these are announced, and delivered one by one.
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
    const origin = { topic, partition: this.partition, offset };
    const whole = { origin, key, value, headers, timestampMs };
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

  /** When a commit is under way, or did not work, the next one comes in its time. */
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
