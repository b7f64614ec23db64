import { type Deliver, EventNotSettledError } from "../../../core/listener.ts";
import type { AssignedPartition } from "./assigned_partition.ts";

/** Offsets by partition. */
export type Offsets = ReadonlyMap<number, number>;

/** Where a listener's input ends, and whether its progress is committed. */
export interface ReadingEndOptions {
  /** End offsets by partition. A partition without one has nothing to read. */
  readonly ends: Offsets;
  /** Whether offsets are committed. */
  readonly commits: boolean;
  /** Called with each committed offset. */
  readonly onCommit: (partition: number, offset: number) => void;
}

/** Detects when a member has read all its partitions up to ends set beforehand. */
export class ReadingEnd {
  readonly options: ReadingEndOptions;
  readonly #reached = Promise.withResolvers<void>();
  readonly #read = new Set<number>();
  #assigned: readonly number[] = [];

  constructor(options: ReadingEndOptions) {
    this.options = options;
  }

  /** Resolves when everything has been read and, if `commits`, committed. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Called after a join with the member's partitions. */
  assign(partitions: readonly number[]): void {
    this.#assigned = partitions;
    this.#read.clear();
    this.#noteReached();
  }

  /** Wraps `deliver` to reject events from the end on, which a fetched batch may contain. */
  bounded(partition: number, deliver: Deliver): Deliver {
    return (delivery) =>
      delivery.event.position < this.#endOf(partition)
        ? deliver(delivery)
        : Promise.reject(new EventNotSettledError("It came after the end"));
  }

  /**
   * Whether to fetch nothing more of a partition. Compares positions, as there may be no record at the end.
   *
   * @param nextOffset the next fetch offset
   * @param held this member's partition, if it holds it
   */
  isFetched(
    partition: number,
    { nextOffset, held }: { nextOffset: number; held: AssignedPartition | undefined },
  ): boolean {
    const end = this.#endOf(partition);
    if (nextOffset < end) return false;
    if (this.#isSettled(held, end)) {
      this.#read.add(partition);
      this.#noteReached();
    }
    return true;
  }

  #endOf(partition: number): number {
    return this.options.ends.get(partition) ?? 0;
  }

  #isSettled(held: AssignedPartition | undefined, end: number): boolean {
    // While ownership is unconfirmed, the next fetch offset is the committed one: all before the end is settled.
    if (held === undefined || !held.ownership.isConfirmed) return true;
    const { commits: { committed }, tracker, fetchedEnd } = held;
    return (this.options.commits ? committed : tracker.committable) >= Math.min(fetchedEnd, end);
  }

  #noteReached(): void {
    if (this.#assigned.every((partition) => this.#read.has(partition))) this.#reached.resolve();
  }
}
