import type { Lease } from "./lease.ts";
import { EventNotSettledError } from "./listener.ts";

/** What of the slots a lease has before the other side has answered it: one part in so many. */
const UNPROVEN_PART = 8;

/** What one lease has of the slots. */
interface Share {
  readonly lease: Lease;
  readonly waiting: PromiseWithResolvers<void>[];
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
 *
 * The second rule is that of shared buffers in switches: Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switches", 1998.
 */
export class CallSlots {
  readonly #unprovenLimit: number;
  readonly #shares = new WeakMap<Lease, Share>();
  /** In the order in which they had a slot last, longest ago first. */
  readonly #waiting = new Set<Share>();
  #free: number;

  /** @param concurrency how many calls may be in flight, 1 at least */
  constructor(concurrency: number) {
    this.#free = concurrency;
    this.#unprovenLimit = Math.ceil(concurrency / UNPROVEN_PART);
  }

  /**
   * Resolves when a call of `lease` may start; whoever called gives the slot back by `giveBack()`.
   *
   * @throws {EventNotSettledError} when the lease is ending before
   */
  take(lease: Lease): Promise<void> {
    const turn = Promise.withResolvers<void>();
    const share = this.#shareOf(lease);
    share.waiting.push(turn);
    this.#waiting.add(share);
    this.#offer(share);
    return turn.promise;
  }

  /** Gives a slot back, saying whether the other side has answered the call. */
  giveBack(lease: Lease, { wasAnswered }: { wasAnswered: boolean }): void {
    const share = this.#shareOf(lease);
    share.held--;
    share.isProven = wasAnswered;
    this.#free++;
    this.#shareOut();
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

  #turnAway(share: Share): void {
    this.#waiting.delete(share);
    for (const turn of share.waiting.splice(0)) {
      turn.reject(new EventNotSettledError("The lease ended before its turn"));
    }
  }

  #shareOut(): void {
    while (this.#free > 0) {
      const share = this.#next();
      if (share === null) return;
      this.#waiting.delete(share);
      share.held++;
      this.#free--;
      share.waiting.shift()?.resolve();
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

  #mayTake({ lease, held, isProven }: Share): boolean {
    if (!lease.isOpen) return false;
    return lease.peers === 1 || held < this.#free && (isProven || held < this.#unprovenLimit);
  }
}
