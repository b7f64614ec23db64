import type { Delivery } from "./delivery.ts";
import type { Lease } from "./lease.ts";
import { WaitingDeliveries } from "./waiting_deliveries.ts";

/** A lease without an answered call gets one slot in this many. */
const UNPROVEN_PART = 8;

/** Calls of one lease. */
interface Share {
  readonly lease: Lease;
  /** By position: the lowest event holds up the commit of the others. */
  readonly waiting: WaitingDeliveries<void>;
  held: number;
  /** Whether the last finished call was answered. */
  isProven: boolean;
}

/**
 * Limits the calls in flight, and shares the slots so that a lease whose calls hang cannot take those of the others:
 *
 * - The next slot goes to the waiting lease that holds the fewest; equals take turns.
 * - While there are other leases, waiting or not, a lease takes a slot only if more are free than it holds. So it gets
 *   at most half of the slots that the others do not hold, and the next lease finds some free.
 * - A lease without an answered call, or whose last call was unanswered, gets at most an eighth of the slots.
 * - While results that wait to be stored hold too many bytes, nobody gets a slot: each call would add to them.
 *
 * The second rule is from switches with shared buffers: Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switches", 1998.
 */
export class CallSlots {
  readonly #unprovenLimit: number;
  readonly #shares = new WeakMap<Lease, Share>();
  /** Least recently served first. */
  readonly #waiting = new Set<Share>();
  readonly #maxHeldBytes: number;
  #free: number;
  #heldBytes = 0;

  /**
   * @param concurrency calls in flight, at least 1
   * @param maxHeldBytes bytes of unstored results from which no call starts
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
   * Resolves when a call for the event may start; the delivery is `calling` by then. The caller returns the slot by
   * `giveBack()`.
   *
   * @throws {EventNotSettledError} when the lease is ending and work on the event may no longer begin
   */
  take(delivery: Delivery): Promise<void> {
    const share = this.#shareOf(delivery.lease);
    const turn = share.waiting.add(delivery);
    delivery.enter("queued");
    this.#waiting.add(share);
    this.#offer(share);
    return turn;
  }

  /** Returns a slot. @param wasAnswered omitted when no call was made */
  giveBack({ lease }: Delivery, { wasAnswered }: { wasAnswered?: boolean } = {}): void {
    const share = this.#shareOf(lease);
    share.held--;
    share.isProven = wasAnswered ?? share.isProven;
    this.#free++;
    this.#shareOut();
  }

  /** Waits for a slot and returns it: work on an event begins with a slot, even without a call. */
  async beginWithoutCall(delivery: Delivery): Promise<void> {
    await this.take(delivery);
    this.giveBack(delivery);
  }

  /** Counts the bytes of a result that waits to be stored. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
  }

  /** Undoes `hold()`. */
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
    const waiting = new WaitingDeliveries<void>({ byPosition: true });
    const share = { lease, waiting, held: 0, isProven: false };
    this.#shares.set(lease, share);
    lease.onChange(() => this.#offer(share));
    return share;
  }

  #offer(share: Share): void {
    if (share.lease.ending.aborted) share.waiting.keepOnly(({ mayBegin }) => mayBegin);
    this.#shareOut();
  }

  #shareOut(): void {
    while (this.#free > 0 && !this.#isFull) {
      const share = this.#next();
      const next = share?.waiting.first;
      if (share === null || next === undefined) return;
      share.held++;
      this.#free--;
      // Begins now, not only when the awaiting caller resumes.
      next.enter("calling");
      share.waiting.admit(next);
      this.#waiting.delete(share);
      if (share.waiting.first !== undefined) this.#waiting.add(share);
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

  #mayTake({ lease, waiting, held, isProven }: Share): boolean {
    if (waiting.first?.mayBegin !== true) return false;
    return lease.leaseCount === 1 || held < this.#free && (isProven || held < this.#unprovenLimit);
  }
}
