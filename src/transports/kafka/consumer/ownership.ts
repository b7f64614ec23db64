import type { CommitState } from "./commit_state.ts";

/**
 * Whether this member certainly owns a partition. Unconfirmed after a rebalance, as another member may have owned it in
 * between, and after its topic may have been re-created. The next fetch offset decides it.
 */
export class Ownership {
  #confirmation: PromiseWithResolvers<void> | null = null;
  #wasReset = false;

  get isConfirmed(): boolean {
    return this.#confirmation === null;
  }

  /** Resolves when ownership is confirmed. */
  get confirmed(): Promise<void> {
    return this.#confirmation?.promise ?? Promise.resolve();
  }

  /** @param wasReset the topic may have been re-created */
  unconfirm({ wasReset = false } = {}): void {
    this.#confirmation ??= Promise.withResolvers();
    this.#wasReset ||= wasReset;
  }

  /** Confirms ownership if a fetch from this offset continues the partition; returns whether it does. */
  confirm(
    fetchedOffset: number,
    { fetchedEnd, commits }: { fetchedEnd: number; commits: CommitState },
  ): boolean {
    const isContinued = this.#wasReset
      // A lower offset belongs to a re-created topic.
      ? fetchedOffset >= fetchedEnd
      // Another member would have committed further.
      : this.isConfirmed || commits.mayBeAt(fetchedOffset);
    if (isContinued) {
      this.#wasReset = false;
      this.#confirmation?.resolve();
      this.#confirmation = null;
    }
    return isContinued;
  }
}
