import { aborted } from "../../../core/backoff.ts";
import type { AssignedPartition } from "./assigned_partition.ts";

/** The partitions that a member of a group holds: whether it may go on with them, and until when. */
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

  /** Its topic may have been created anew: what of the former one is still under way must not be committed to it. */
  noteReset(partition: number): void {
    this.#wereReset.add(partition);
    const held = this.#partitions.get(partition);
    if (held !== undefined) held.isDoubtful = true;
  }

  /** Any of them may be given to another member. */
  doubt(): void {
    for (const held of this.#partitions.values()) held.isDoubtful = true;
  }

  /** Ends the doubt about what is held of a partition, which goes on at `offset`; gives it up if that is elsewhere. */
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

  /** Gives up the partitions that are not assigned any more. The others go on once it shows that nobody had them. */
  keepOnly(partitions: readonly number[]): void {
    this.#assigned = Math.max(partitions.length, 1);
    for (const [partition, held] of this.#partitions) {
      held.lease.peers = this.#assigned;
      if (!partitions.includes(partition)) this.#lose(partition, held);
    }
  }

  /** They are others' by now: of what runs, nothing counts any more. */
  loseAll(): void {
    for (const [partition, held] of this.#partitions) this.#lose(partition, held);
  }

  /** Resolves when nothing of them runs any more, as {@linkcode AssignedPartition.idle} says, or `ended` has aborted. */
  async idle(ended: AbortSignal): Promise<void> {
    await Promise.race([Promise.all(this.all.map((held) => held.idle())), aborted(ended)]);
  }

  /** Resolves when it shows whose those are of which something has settled, or `ended` has aborted. */
  async certain(ended: AbortSignal): Promise<void> {
    await Promise.race([Promise.all(this.all.map((held) => held.certain())), aborted(ended)]);
  }

  #lose(partition: number, { lease }: AssignedPartition): void {
    lease.end();
    this.#partitions.delete(partition);
  }
}

/** Whether a fetch from this offset goes on with what a member holds of a partition. */
function isContinuedAt(
  fetchedOffset: number,
  { held, wasReset }: { held: AssignedPartition; wasReset: boolean },
): boolean {
  // After a reset, offsets that go back are those of a topic that was created anew.
  if (wasReset) return fetchedOffset >= held.fetchedEnd;
  // Another member may have had the partition in between, and gone on with it.
  return !held.isDoubtful || fetchedOffset === held.committed || fetchedOffset === held.committing;
}
