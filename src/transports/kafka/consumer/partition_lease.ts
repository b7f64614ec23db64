import type { AttemptsMade } from "../../../core/event.ts";
import { LeaseController } from "../../../core/lease.ts";

/**
 * The right to work on the events of an assigned partition. It can be suspended, and it follows the work on events, by
 * their offsets.
 *
 * While suspended or ending, an event may begin only if a later one already has: a commit cannot pass the gap. While
 * frozen, none may begin.
 */
export class PartitionLease extends LeaseController {
  readonly #pausing = new Set<number>();
  readonly #attempts = new Map<number, AttemptsMade>();
  readonly #storing = new Set<number>();
  #isSuspended = false;
  #isFrozen = false;
  #working = 0;
  #begunEnd = -Infinity;
  #queued = 0;
  #queueShrank: () => void = () => {};
  #work: (isWorking: boolean) => void = () => {};

  /** Whether work on any event may begin. */
  get isOpen(): boolean {
    return !this.#isSuspended && !this.ending.aborted;
  }

  /** Whether work on any event is in progress. */
  get isWorking(): boolean {
    return this.#working > 0;
  }

  /**
   * First offset that may not begin while the lease is not open: after the last one begun, or the lowest that pauses.
   */
  get drainEnd(): number {
    let end = this.#begunEnd;
    for (const offset of this.#pausing) end = Math.min(end, offset);
    return end;
  }

  /** Whether work on the event at `offset` may begin. */
  admits(offset: number): boolean {
    return this.isOpen ||
      !this.#isFrozen && !this.ended.aborted && offset < this.drainEnd;
  }

  /** Records that work on an event begins. */
  begin(offset: number): void {
    this.#working++;
    this.#begunEnd = Math.max(this.#begunEnd, offset + 1);
    if (this.#pausing.size > 0) this.#pausing.delete(offset);
    this.#work(true);
  }

  /** Records that work on an event is done. */
  finish(offset: number): void {
    this.#working--;
    if (this.#attempts.size > 0) this.#attempts.delete(offset);
    if (this.#storing.size > 0) this.#storing.delete(offset);
  }

  /** A crash from here on does not count against the event. */
  noteStoring(offset: number): void {
    this.#storing.add(offset);
  }

  /** Records that work on an event has failed and pauses until `begin()`, which may never come. */
  noteRetryPause(offset: number): void {
    this.#working--;
    this.#pausing.add(offset);
    this.#work(false);
    if (!this.isOpen) this.changed();
  }

  /** Records the attempts for an event, for the next owner of the partition. */
  noteAttempts(offset: number, attempts: AttemptsMade): void {
    this.#attempts.set(offset, attempts);
  }

  attemptsOf(offset: number): AttemptsMade | undefined {
    return this.#attempts.get(offset);
  }

  /**
   * Whether a crash now counts against the event at `offset`, the lowest unsettled one: work on it or on a later one has
   * begun, and it neither pauses nor waits for a failing store. A commit can mark only the event at its own offset.
   * False while the lease is suspended or ending.
   */
  wouldBlame(offset: number): boolean {
    return offset < this.#begunEnd && this.isBusyWith(offset);
  }

  /** Like `wouldBlame()`, for an event that was delivered alone, whether work on it has begun or not. */
  isBusyWith(offset: number): boolean {
    return this.isOpen && !this.#pausing.has(offset) && !this.#storing.has(offset);
  }

  /** Events that wait only for a call slot. */
  get queued(): number {
    return this.#queued;
  }

  noteQueued(): void {
    this.#queued++;
  }

  noteUnqueued(): void {
    this.#queued--;
    this.#queueShrank();
  }

  /** Calls `callback` when work on an event begins (`true`), or pauses until a retry (`false`). */
  onWork(callback: (isWorking: boolean) => void): void {
    this.#work = callback;
  }

  /** Calls `callback` whenever fewer events wait for a slot. It must not deliver further events synchronously. */
  onQueueShrank(callback: () => void): void {
    this.#queueShrank = callback;
  }

  /** Until `resume()`, only events below `drainEnd` may begin. */
  suspend(): void {
    this.#isSuspended = true;
    this.changed();
  }

  /** Like `suspend()`, but no event may begin, not even one below `drainEnd`. */
  freeze(): void {
    this.#isFrozen = true;
    this.suspend();
  }

  /** Any event may begin again, unless the lease is ending. */
  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#isFrozen = false;
    this.changed();
  }
}
