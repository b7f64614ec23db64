import type { Lease } from "./lease.ts";
import { EventNotSettledError } from "./listener.ts";

/** What of the slots a lease has before the other side has answered it: one part in so many. */
const UNPROVEN_PART = 8;

/** A call that waits for a slot. */
interface Turn {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What one lease has of the slots. */
interface Share {
  readonly lease: Lease;
  /** In the order of their offsets: what holds up the commit of others goes first. */
  readonly waiting: Turn[];
  held: number;
  /** Whether the last call that came to an end was answered. */
  isProven: boolean;
}

/**
 * Bounds the calls in flight, and shares them out so that one lease whose calls hang cannot take the others' slots:
 *
 * - The next slot goes to the waiting lease that holds the fewest; among equals, in turn.
 * - As long as there are other leases, whoever waits or not, one takes a slot only while more are free than it holds.
 *   So it never has more than half of what the others leave, and something is left for whoever comes next.
 * - A lease without an answer so far, or since its last call went unanswered, gets an eighth of the slots at most.
 * - While results that wait to be stored hold too many bytes, no slot is given: each call would add to them.
 *
 * The second rule is that of shared buffers in switches: Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switches", 1998.
 */
export class CallSlots {
  readonly #unprovenLimit: number;
  readonly #shares = new WeakMap<Lease, Share>();
  /** In the order in which they had a slot last, longest ago first. */
  readonly #waiting = new Set<Share>();
  readonly #maxHeldBytes: number;
  #free: number;
  #heldBytes = 0;

  /**
   * @param concurrency how many calls may be in flight, 1 at least
   * @param maxHeldBytes when results hold as much, no further call is made
   */
  constructor(
    concurrency: number,
    { maxHeldBytes = Infinity }: { maxHeldBytes?: number | undefined } = {},
  ) {
    this.#free = concurrency;
    this.#maxHeldBytes = maxHeldBytes;
    this.#unprovenLimit = Math.ceil(concurrency / UNPROVEN_PART);
  }

  /**
   * Resolves when a call for the event at `offset` may start. Work on the event has begun in the lease by then; whoever
   * called gives the slot back by `giveBack()`.
   *
   * @throws {EventNotSettledError} when the lease is ending, and does not admit the event any more
   */
  take(lease: Lease, offset: number): Promise<void> {
    const share = this.#shareOf(lease);
    return new Promise((resolve, reject) => {
      insert({ offset, resolve, reject }, share.waiting);
      lease.noteQueued(share.waiting.length);
      this.#waiting.add(share);
      this.#offer(share);
    });
  }

  /** Gives a slot back, saying whether the other side has answered the call; nothing, when none was made. */
  giveBack(lease: Lease, { wasAnswered }: { wasAnswered?: boolean } = {}): void {
    const share = this.#shareOf(lease);
    share.held--;
    share.isProven = wasAnswered ?? share.isProven;
    this.#free++;
    this.#shareOut();
  }

  /** Notes that a result of so many bytes waits to be stored. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
  }

  /** Notes that it no longer does. */
  release(bytes: number): void {
    const wasFull = this.#isFull;
    this.#heldBytes -= bytes;
    if (wasFull) this.#shareOut();
  }

  get #isFull(): boolean {
    return this.#heldBytes >= this.#maxHeldBytes;
  }

  #shareOf(lease: Lease): Share {
    const known = this.#shares.get(lease);
    if (known !== undefined) return known;
    const share = { lease, waiting: [], held: 0, isProven: false };
    this.#shares.set(lease, share);
    lease.onChange(() => this.#offer(share));
    return share;
  }

  #offer(share: Share): void {
    if (share.lease.ending.aborted) this.#turnAway(share);
    this.#shareOut();
  }

  #turnAway({ lease, waiting }: Share): void {
    const admitted = waiting.findLastIndex(({ offset }) => lease.admits(offset)) + 1;
    for (const turn of waiting.splice(admitted)) {
      turn.reject(new EventNotSettledError("The lease ended before its turn"));
    }
    lease.noteQueued(waiting.length);
  }

  #shareOut(): void {
    while (this.#free > 0 && !this.#isFull) {
      const share = this.#next();
      if (share === null) return;
      share.held++;
      this.#free--;
      const turn = share.waiting.shift();
      // From here on, and not only when who waits for it comes to know.
      if (turn !== undefined) share.lease.begin(turn.offset);
      turn?.resolve();
      share.lease.noteQueued(share.waiting.length);
      this.#waiting.delete(share);
      if (share.waiting.length > 0) this.#waiting.add(share);
    }
  }

  #next(): Share | null {
    let next: Share | null = null;
    for (const share of this.#waiting) {
      if (!this.#mayTake(share) || next !== null && next.held <= share.held) continue;
      if (share.held === 0) return share;
      next = share;
    }
    return next;
  }

  #mayTake({ lease, waiting: [next], held, isProven }: Share): boolean {
    if (next === undefined || !lease.admits(next.offset)) return false;
    return lease.peers === 1 || held < this.#free && (isProven || held < this.#unprovenLimit);
  }
}

/** Puts a turn where its offset belongs; most come behind all others. */
function insert(turn: Turn, waiting: Turn[]): void {
  let index = waiting.length;
  while (index > 0 && (waiting[index - 1]?.offset ?? 0) > turn.offset) index--;
  waiting.splice(index, 0, turn);
}
