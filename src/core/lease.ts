import type { AttemptsMade } from "./event.ts";

/**
 * The right to work on the events of one partition. It can be suspended for a while, and it ends in two steps.
 *
 * While it is not open, work is begun only on events between those that have begun: without them, what lies behind them
 * could not be committed and would be done again; while it is still, on none. What runs may finish, and its result may be published. After `ending`
 * it never opens again. After `ended` what still runs is given up: its outcome no longer counts. `ended` is never
 * aborted before `ending`.
 */
export interface Lease {
  readonly ending: AbortSignal;
  readonly ended: AbortSignal;
  /** How many leases share the pipeline at present, this one included. */
  readonly peers: number;
  /** Notes how many of its events wait for nothing but a call's slot. */
  noteQueued(count: number): void;
  /** Whether work on the event at `offset` may begin. */
  admits(offset: number): boolean;
  /** Notes that work on an event begins. */
  begin(offset: number): void;
  /** Notes that work on the event at `offset` is done. */
  finish(offset: number): void;
  /** Notes that all there is left to do for an event is to store its outcome, for which it is not to blame. */
  noteStoring(offset: number): void;
  /** Notes that work on an event has failed, and rests until it begins again, if it ever does. */
  rest(offset: number): void;
  /**
   * Has `callback` called when no other event of the partition can be begun until one has settled for which this was
   * called, too: the one at `offset` or another; at once, when it is so. Returns what takes that back.
   */
  whenHeldUp(offset: number, callback: () => void): () => void;
  /** Notes what was tried for an event, for whoever has its partition next. */
  noteAttempts(offset: number, attempts: AttemptsMade): void;
  /** Has `callback` called whenever other events than before may be admitted. */
  onChange(callback: () => void): void;
}

/** A lease with what ends it. */
export class LeaseController implements Lease {
  peers = 1;
  readonly #ending = new AbortController();
  readonly #ended = new AbortController();
  readonly #callbacks: (() => void)[] = [];
  readonly #resting = new Set<number>();
  readonly #attempts = new Map<number, AttemptsMade>();
  readonly #storing = new Set<number>();
  readonly #heldUp = new Map<number, () => void>();
  #obstacle: number | null = null;
  #isSuspended = false;
  #isStill = false;
  #working = 0;
  #begunEnd = -Infinity;
  #queued = 0;
  #queueShrank: () => void = () => {};

  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Whether work on whatever comes may begin. */
  get isOpen(): boolean {
    return !this.#isSuspended && !this.#ending.signal.aborted;
  }

  /** Whether work on any event runs. */
  get isWorking(): boolean {
    return this.#working > 0;
  }

  /** Where events begin that are not worked on while the lease is not open: behind the last begun, or at one that rests. */
  get drainEnd(): number {
    let end = this.#begunEnd;
    for (const offset of this.#resting) end = Math.min(end, offset);
    return end;
  }

  admits(offset: number): boolean {
    return this.isOpen ||
      !this.#isStill && !this.#ended.signal.aborted && offset < this.drainEnd;
  }

  begin(offset: number): void {
    this.#working++;
    this.#begunEnd = Math.max(this.#begunEnd, offset + 1);
    if (this.#resting.size > 0) this.#resting.delete(offset);
  }

  finish(offset: number): void {
    this.#working--;
    if (this.#attempts.size > 0) this.#attempts.delete(offset);
    if (this.#storing.size > 0) this.#storing.delete(offset);
  }

  noteStoring(offset: number): void {
    this.#storing.add(offset);
  }

  rest(offset: number): void {
    this.#working--;
    this.#resting.add(offset);
    if (!this.isOpen) this.#changed();
  }

  whenHeldUp(offset: number, callback: () => void): () => void {
    this.#heldUp.set(offset, callback);
    this.#tellIfHeldUp();
    return () => this.#heldUp.delete(offset);
  }

  /** Notes that all other events wait for the one at `offset`, until it has settled. */
  noteObstacle(offset: number): void {
    this.#obstacle = offset;
    this.#tellIfHeldUp();
  }

  #tellIfHeldUp(): void {
    if (this.#obstacle === null || !this.#heldUp.has(this.#obstacle)) return;
    for (const callback of this.#heldUp.values()) callback();
  }

  noteAttempts(offset: number, attempts: AttemptsMade): void {
    this.#attempts.set(offset, attempts);
  }

  /** What was tried for an event. */
  attemptsOf(offset: number): AttemptsMade | undefined {
    return this.#attempts.get(offset);
  }

  /** Whether the event at `offset` may be what is called for; work on one that is behind it has begun at least. */
  isAtWorkOn(offset: number): boolean {
    return offset < this.#begunEnd && this.isOccupiedBy(offset);
  }

  /** The same of an event that was delivered alone, whether work on it has begun or not. */
  isOccupiedBy(offset: number): boolean {
    return this.isOpen && !this.#resting.has(offset) && !this.#storing.has(offset);
  }

  noteQueued(count: number): void {
    const shrank = count < this.#queued;
    this.#queued = count;
    if (shrank) this.#queueShrank();
  }

  /** How many events wait for nothing but a call's slot. */
  get queued(): number {
    return this.#queued;
  }

  onChange(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** Has `callback` called whenever fewer events wait for a slot; it must not hand over others at once. */
  onQueueShrank(callback: () => void): void {
    this.#queueShrank = callback;
  }

  /** Only what has begun is brought to an end, until the lease is resumed. */
  suspend(): void {
    this.#isSuspended = true;
    this.#changed();
  }

  /** The same, but no work begins, not even on what lies between events on which it has. */
  still(): void {
    this.#isStill = true;
    this.suspend();
  }

  /** Work may begin again. */
  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#isStill = false;
    this.#changed();
  }

  /** Only what has begun is brought to an end from here on. */
  beginEnd(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#changed();
  }

  /** What still runs is given up. */
  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ending.abort();
    this.#ended.abort();
    this.#changed();
  }

  #changed(): void {
    for (const callback of this.#callbacks) callback();
  }
}
