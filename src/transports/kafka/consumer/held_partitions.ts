import { aborted } from "../../../core/backoff.ts";
import type { AssignedPartition } from "./assigned_partition.ts";

/** The partitions that a member holds. */
export class HeldPartitions {
  readonly #partitions = new Map<number, AssignedPartition>();
  #assigned = 1;

  get all(): readonly AssignedPartition[] {
    return [...this.#partitions.values()];
  }

  get(partition: number): AssignedPartition | undefined {
    return this.#partitions.get(partition);
  }

  add(held: AssignedPartition): void {
    held.lease.leaseCount = this.#assigned;
    this.#partitions.set(held.partition, held);
  }

  /** Called when the topic may have been re-created: work on the old one must not be committed to the new one. */
  noteReset(partition: number): void {
    this.#partitions.get(partition)?.ownership.unconfirm({ wasReset: true });
  }

  /** Called when any partition may move to another member. */
  unconfirm(): void {
    for (const { ownership } of this.all) ownership.unconfirm();
  }

  /** Returns a held partition whose fetch continues at `offset`; gives it up if it does not fit. */
  confirmOrRelease(partition: number, offset: number): AssignedPartition | null {
    const held = this.#partitions.get(partition);
    if (held === undefined || held.confirm(offset)) return held ?? null;
    this.#release(held);
    return null;
  }

  /** Gives up partitions no longer assigned. The others resume once their ownership is confirmed. */
  keepOnly(partitions: readonly number[]): void {
    this.#assigned = Math.max(partitions.length, 1);
    for (const held of this.all) {
      held.lease.leaseCount = this.#assigned;
      if (!partitions.includes(held.partition)) this.#release(held);
    }
  }

  /** Gives up all partitions: others own them by now, so outcomes of running work do not count. */
  releaseAll(): void {
    for (const held of this.all) this.#release(held);
  }

  /** Resolves when all are drained, see {@linkcode AssignedPartition.idle}, or `ended` has aborted. */
  async idle(ended: AbortSignal): Promise<void> {
    await Promise.race([Promise.all(this.all.map((held) => held.idle())), aborted(ended)]);
  }

  /** Resolves when ownership is confirmed where settled events are uncommitted, or `ended` has aborted. */
  async confirmed(ended: AbortSignal): Promise<void> {
    await Promise.race([Promise.all(this.all.map((held) => held.confirmed())), aborted(ended)]);
  }

  /** The outcome of running work no longer counts. */
  #release(held: AssignedPartition): void {
    held.lease.end();
    this.#partitions.delete(held.partition);
  }
}
