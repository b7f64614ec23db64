import { aborted } from "../../../core/backoff.ts";
import type { AssignedPartition } from "./assigned_partition.ts";

/** The partitions that a member holds. Tracks whether ownership is confirmed. */
export class HeldPartitions {
  readonly #partitions = new Map<number, AssignedPartition>();
  readonly #wereReset = new Set<number>();
  #assigned = 1;

  get all(): readonly AssignedPartition[] {
    return [...this.#partitions.values()];
  }

  get(partition: number): AssignedPartition | undefined {
    return this.#partitions.get(partition);
  }

  add(partition: number, assigned: AssignedPartition): void {
    assigned.lease.peers = this.#assigned;
    this.#partitions.set(partition, assigned);
  }

  /** Called when the topic may have been re-created: work on the old one must not be committed to the new one. */
  noteReset(partition: number): void {
    this.#wereReset.add(partition);
    const held = this.#partitions.get(partition);
    if (held !== undefined) held.isDoubtful = true;
  }

  /** Marks ownership as unconfirmed: any partition may move to another member. */
  doubt(): void {
    for (const held of this.#partitions.values()) held.isDoubtful = true;
  }

  /** Confirms and resumes a held partition whose fetch continues at `offset`; gives it up if it does not fit. */
  continue(partition: number, offset: number): AssignedPartition | null {
    const held = this.#partitions.get(partition);
    const wasReset = this.#wereReset.delete(partition);
    if (held === undefined) return null;
    if (isContinuedAt(offset, { held, wasReset })) {
      held.isDoubtful = false;
      held.lease.resume();
      return held;
    }
    this.#lose(partition, held);
    return null;
  }

  /** Gives up partitions no longer assigned. The others resume once their ownership is confirmed. */
  keepOnly(partitions: readonly number[]): void {
    this.#assigned = Math.max(partitions.length, 1);
    for (const [partition, held] of this.#partitions) {
      held.lease.peers = this.#assigned;
      if (!partitions.includes(partition)) this.#lose(partition, held);
    }
  }

  /** Gives up all partitions: others own them by now, so outcomes of running work do not count. */
  loseAll(): void {
    for (const [partition, held] of this.#partitions) this.#lose(partition, held);
  }

  /** Resolves when all are drained, see {@linkcode AssignedPartition.idle}, or `ended` has aborted. */
  async idle(ended: AbortSignal): Promise<void> {
    await Promise.race([Promise.all(this.all.map((held) => held.idle())), aborted(ended)]);
  }

  /** Resolves when ownership is confirmed where settled events are uncommitted, or `ended` has aborted. */
  async certain(ended: AbortSignal): Promise<void> {
    await Promise.race([Promise.all(this.all.map((held) => held.certain())), aborted(ended)]);
  }

  #lose(partition: number, { lease }: AssignedPartition): void {
    lease.end();
    this.#partitions.delete(partition);
  }
}

/** Whether a fetch from this offset continues a held partition. */
function isContinuedAt(
  fetchedOffset: number,
  { held, wasReset }: { held: AssignedPartition; wasReset: boolean },
): boolean {
  // After a reset, a lower offset belongs to a re-created topic.
  if (wasReset) return fetchedOffset >= held.fetchedEnd;
  // Another member may have owned the partition meanwhile, and committed further.
  return !held.isDoubtful || fetchedOffset === held.committed || fetchedOffset === held.committing;
}
