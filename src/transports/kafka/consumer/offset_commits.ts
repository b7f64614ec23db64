import { AccessRefusedError } from "../../../core/access_refused.ts";
import { formatDelay } from "../../../core/backoff.ts";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { LogThrottle } from "../../../core/log_throttle.ts";
import { clientFailure } from "../client/client_failure.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import { isCommitRefused } from "./group_errors.ts";
import type { ConsumerGroup } from "../kafkajs/types.ts";

/** `Health` key of commits. */
const COMMITS = "commits";

/** How long commits may fail before health reports it: a broker's restart or failover takes less. */
const MAX_FAILING_MS = 15_000;

/** What is committed, and who is informed. */
export interface OffsetCommitsOptions {
  readonly topic: string;
  readonly sessionTimeoutMs: number;
  /** The joined group; undefined before. */
  readonly group: () => Pick<ConsumerGroup, "commitOffsets"> | undefined;
  readonly partitions: () => Iterable<AssignedPartition>;
  /** False disables all commits. */
  readonly isCommitting: boolean;
  readonly onCommit: (partition: number, offset: number) => void;
  /** Called when the group has refused commits for a whole session, or this client may not commit. */
  readonly onFailure: (error: Error) => void;
  readonly log: Logger;
  readonly health?: Health | undefined;
}

/** Commits settled offsets, one request at a time. */
export class OffsetCommits {
  readonly #options: OffsetCommitsOptions;
  #committing: Promise<void> | null = null;
  #refusedSinceMs: number | null = null;
  #isLast = false;
  /** Commits are retried five times a second, and a broker may be away for minutes. */
  readonly #throttle = new LogThrottle();

  constructor(options: OffsetCommitsOptions) {
    this.#options = options;
  }

  /** Called after a join: the group accepts commits again. */
  joined(): void {
    this.#refusedSinceMs = null;
  }

  /** Commits what has settled since the last time, or joins the commit under way. Never rejects. */
  commit(): Promise<void> {
    this.#committing ??= this.#commitMoved().finally(() => this.#committing = null);
    return this.#committing;
  }

  /** Commits all that has settled by now. Never rejects. */
  async commitAll(): Promise<void> {
    await this.#committing;
    await this.commit();
  }

  /** Commits all that has settled by now, for the last time. Never rejects. */
  async commitLast(): Promise<void> {
    await this.#committing;
    this.#isLast = true;
    await this.commit();
  }

  async #commitMoved(): Promise<void> {
    const { topic, group, partitions: assignedPartitions, isCommitting, onCommit } = this.#options;
    const moved = [...assignedPartitions()]
      .filter(({ ownership }) => ownership.isConfirmed)
      .map(({ partition, commits, committable }) => ({ partition, commits, commit: committable }))
      .filter(({ commits, commit }) => commits.isNews(commit));
    if (moved.length === 0 || !isCommitting) return this.#works();
    const partitions = moved.map(({ partition, commit: { offset, note } }) => ({
      partition,
      offset: `${offset}`,
      metadata: note,
    }));
    for (const { commits, commit } of moved) commits.send(commit);
    try {
      await group()?.commitOffsets({ topics: [{ topic, partitions }] });
      for (const { partition, commits, commit } of moved) {
        commits.stored(commit);
        onCommit(partition, commit.offset);
      }
      this.#refusedSinceMs = null;
      this.#throttle.reset();
      this.#works();
    } catch (error) {
      for (const { commits } of moved) commits.failed();
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (isCommitRefused(error)) return this.#refused();
    const failure = clientFailure("cannot commit offsets", error);
    if (failure instanceof AccessRefusedError) return this.#options.onFailure(failure);
    this.#options.health?.fails(COMMITS, failure.message, { afterMs: MAX_FAILING_MS });
    const outlook = this.#isLast ? "uncommitted events are handled again" : "trying again";
    const message = `${failure.message}; ${outlook}`;
    const { log } = this.#options;
    if (this.#throttle.allows(message) === "no") log.debug(() => message);
    else log.warn(message);
  }

  /** Also called when nothing is left to commit: the failing partitions may have been given up. */
  #works(): void {
    this.#options.health?.works(COMMITS);
  }

  /** A refused commit is normal until this member rejoins. If it does not within its session, it is a zombie. */
  #refused(): void {
    const { log, sessionTimeoutMs, onFailure } = this.#options;
    this.#refusedSinceMs ??= performance.now();
    const refusedMs = performance.now() - this.#refusedSinceMs;
    log.debug(() => "commit refused: the group is rebalancing, or has removed this member");
    if (refusedMs < sessionTimeoutMs) return;
    onFailure(new Error(`the group has refused its commits for ${formatDelay(refusedMs)}`));
  }
}
