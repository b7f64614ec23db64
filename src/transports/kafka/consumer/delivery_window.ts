import type { Limits } from "../../../core/transport.ts";
import type { OffsetTracker } from "./offset_tracker.ts";
import type { PartitionLease } from "./partition_lease.ts";
import type { Suspects } from "./poison_pill.ts";

/**
 * How many delivered events may wait for a call slot. More would only take memory: each freed slot triggers the next
 * delivery.
 */
const MAX_QUEUED = 2;

/** What decides how much may be delivered. */
export interface DeliveryWindowOptions {
  readonly tracker: OffsetTracker;
  readonly lease: PartitionLease;
  readonly suspects: Suspects;
  readonly limits: Limits;
}

/** The delivered events of a partition: how many more there may be, and when they are drained. */
export class DeliveryWindow {
  readonly #options: DeliveryWindowOptions;
  #count = 0;
  #bytes = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(options: DeliveryWindowOptions) {
    this.#options = options;
    options.lease.onChange(() => this.#noteIdle());
  }

  get hasRoom(): boolean {
    const { ending, queued } = this.#options.lease;
    return !ending.aborted && queued < MAX_QUEUED && !this.isFull &&
      (this.#bytes < this.maxBytes || this.#count === 0);
  }

  /** Whether the look-ahead is used up. */
  get isFull(): boolean {
    const { tracker, suspects, limits: { maxLookahead } } = this.#options;
    return tracker.span >= (suspects.has(tracker.committable) ? 1 : maxLookahead);
  }

  /** The other half of the partition's share is for what waits to be delivered. */
  get maxBytes(): number {
    const { limits, lease } = this.#options;
    return limits.maxBufferedBytes / lease.leaseCount / 2;
  }

  enter(bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    this.#noteIdle();
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

  #noteIdle(): void {
    if (this.#idle === null || !this.#isIdle) return;
    this.#idle.resolve();
    this.#idle = null;
  }

  get #isIdle(): boolean {
    const { tracker, lease: { ending, isWorking, drainEnd } } = this.#options;
    if (this.#count === 0) return true;
    return !ending.aborted && !isWorking && tracker.committable >= drainEnd;
  }
}
