import { LeaseController } from "../../lease.ts";
import { OffsetTracker } from "./offset_tracker.ts";

/** Look-ahead at which fetching of a partition pauses, and below which it resumes. Sizes are bytes. */
const HIGH_WATER = { events: 1000, bytes: 8 * 1024 * 1024 };
const LOW_WATER = { events: 500, bytes: 4 * 1024 * 1024 };

/** What this member holds of one partition between getting and giving it up. */
export class AssignedPartition {
  readonly partition: number;
  /** Ends when the partition is given up. */
  readonly lease = new LeaseController();
  readonly tracker: OffsetTracker;
  /** The offset last committed, to commit only what moved. */
  committed: number;
  /** Set while fetching is paused. */
  resume: (() => void) | null = null;
  #events = 0;
  #bytes = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  /** @param nextOffset the first offset that was not settled before */
  constructor(partition: number, nextOffset: number) {
    this.partition = partition;
    this.tracker = new OffsetTracker(nextOffset);
    this.committed = nextOffset;
  }

  get isFull(): boolean {
    return this.#events >= HIGH_WATER.events || this.#bytes >= HIGH_WATER.bytes;
  }

  get hasRoom(): boolean {
    return this.#events < LOW_WATER.events && this.#bytes < LOW_WATER.bytes;
  }

  /** Notes that an event of so many bytes was handed to the pipeline. */
  add(offset: number, bytes: number): void {
    this.tracker.start(offset);
    this.#events++;
    this.#bytes += bytes;
  }

  /** Notes that the pipeline is done with an event, settled or not. */
  remove(bytes: number): void {
    this.#events--;
    this.#bytes -= bytes;
    if (this.#events > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }

  /** Fetching goes on, if it was paused. */
  resumeFetching(): void {
    this.resume?.();
    this.resume = null;
  }

  /** Resolves when the pipeline holds no event of this partition. */
  async idle(): Promise<void> {
    if (this.#events === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }
}
