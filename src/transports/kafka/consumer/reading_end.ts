import { type Deliver, EventNotSettledError } from "../../../core/listener.ts";
import type { Offsets } from "../../../core/transport.ts";
import type { AssignedPartition } from "./assigned_partition.ts";

/** Where a listener's input ends, and what becomes of its position until then. */
export interface ReadingEndOptions {
  /** A partition that is not among them has nothing to read. */
  readonly ends: Offsets;
  /** Whether the group remembers what was read. */
  readonly commits: boolean;
  /** Told of each offset that was committed. */
  readonly onCommit: (partition: number, offset: number) => void;
}

/** Tells when a member of a group has read each of its partitions to an end that was set before. */
export class ReadingEnd {
  readonly commits: boolean;
  readonly onCommit: ReadingEndOptions["onCommit"];
  readonly #ends: Offsets;
  readonly #reached = Promise.withResolvers<void>();
  readonly #read = new Set<number>();
  #assigned: readonly number[] = [];

  constructor({ ends, commits, onCommit }: ReadingEndOptions) {
    this.#ends = ends;
    this.commits = commits;
    this.onCommit = onCommit;
  }

  /** Resolves when everything has been read and, where the group is to remember it, committed. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Notes which partitions the member has from here on. */
  assign(partitions: readonly number[]): void {
    this.#assigned = partitions;
    this.#read.clear();
    this.#noteReached();
  }

  /** Wraps `deliver` so that nothing is delivered that came after the end: batches may go beyond it. */
  bounded(deliver: Deliver): Deliver {
    return (event, lease) =>
      event.origin.offset < this.#endOf(event.origin.partition)
        ? deliver(event, lease)
        : Promise.reject(new EventNotSettledError("It came after the end"));
  }

  /**
   * Whether nothing more of a partition is to be fetched. Positions are compared, as there may be no record where the end
   * is.
   *
   * @param nextOffset where the next fetch would begin
   * @param held what the member holds of the partition
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
    return this.#ends.get(partition) ?? 0;
  }

  #isSettled(held: AssignedPartition | undefined, end: number): boolean {
    // In doubt, the next fetch would begin where the group has committed: whoever did so had settled it.
    if (held === undefined || held.isDoubtful) return true;
    const { committed, tracker, fetchedEnd } = held;
    return (this.commits ? committed : tracker.committable) >= Math.min(fetchedEnd, end);
  }

  #noteReached(): void {
    if (this.#assigned.every((partition) => this.#read.has(partition))) this.#reached.resolve();
  }
}
