import type { Admin, Kafka } from "kafkajs";
import { createCluster } from "../kafkajs/cluster.ts";
import { isCommitRefused, isNotServing } from "./group_errors.ts";
import type { OffsetManager, PartitionOffset } from "../kafkajs/types.ts";
import { fetchCommitted } from "./offset_requests.ts";

/** Member fields of a commit from outside the group: brokers accept it only while the group is empty. */
const NO_MEMBER = { memberId: "", groupGenerationId: -1 };

/**
 * Commits the topic's end for a group that has no offsets there yet (`auto.offset.reset: latest`). Done only
 * at the group's first start: events stored while no member runs, or in partitions added later, are never skipped.
 *
 * While a group has members, only they can commit. Then each new member commits for its assigned partitions without an
 * offset, and for no others: other members may be working on those.
 */
export class StartAtEnd {
  readonly #kafka: Kafka;
  readonly #groupId: string;
  readonly #topic: string;
  #isLookedUp = false;
  #firstEnds: readonly PartitionOffset[] | null = null;
  /** Ends of the topic at the first start, for partitions that may still have no offset. */
  #ends = new Map<number, string>();
  #committing: Promise<void> | null = null;

  constructor(kafka: Kafka, { groupId, topic }: { groupId: string; topic: string }) {
    this.#kafka = kafka;
    this.#groupId = groupId;
    this.#topic = topic;
  }

  /**
   * Finds out whether this is the group's first start and, if so, where the topic ends. Does nothing once it succeeded.
   *
   * @throws {Error} while the group has no coordinator; ends found by then remain those of the first start
   */
  async lookUp(): Promise<void> {
    if (this.#isLookedUp) return;
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      if (!(await this.#hasOffsets(admin))) await this.#startGroup(admin);
      this.#isLookedUp = true;
    } catch (error) {
      if (isNotServing(error)) await this.#topicEnds(admin);
      throw error;
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  /**
   * Commits the ends of newly assigned partitions. The generation of their member fences a late commit. Concurrent
   * calls wait for the one that commits.
   */
  async commitFor(assignment: OffsetManager): Promise<void> {
    if (this.#ends.size === 0) return;
    this.#committing ??= this.#commitEnds(assignment).finally(() => this.#committing = null);
    await this.#committing;
  }

  async #commitEnds(assignment: OffsetManager): Promise<void> {
    const assigned = assignment.memberAssignment[this.#topic] ?? [];
    if (!assigned.some((partition) => this.#ends.has(partition))) return;
    const coordinator = await assignment.getCoordinator();
    const committed = await fetchCommitted(coordinator, {
      groupId: this.#groupId,
      topic: this.#topic,
      partitions: [...this.#ends.keys()],
    });
    for (const { partition, offset } of committed) {
      if (offset !== "-1") this.#ends.delete(partition);
    }
    const partitions = [...this.#ends].filter(([partition]) => assigned.includes(partition))
      .map(([partition, offset]) => ({ partition, offset }));
    if (partitions.length === 0) return;
    await coordinator.offsetCommit({
      groupId: this.#groupId,
      memberId: assignment.memberId,
      groupGenerationId: assignment.generationId,
      topics: [{ topic: this.#topic, partitions }],
    });
    for (const { partition } of partitions) this.#ends.delete(partition);
  }

  async #startGroup(admin: Admin): Promise<void> {
    const ends = await this.#topicEnds(admin);
    if (await this.#commitForEmptyGroup(ends)) return;
    // When two members start together, both find no offsets; the first one sets them.
    if (await this.#hasOffsets(admin)) return;
    this.#ends = new Map(ends.map(({ partition, offset }) => [partition, offset]));
  }

  async #topicEnds(admin: Admin): Promise<readonly PartitionOffset[]> {
    if (this.#firstEnds !== null) return this.#firstEnds;
    const ends = await admin.fetchTopicOffsets(this.#topic).catch((error) => {
      // kafkajs fails with a TypeError when no broker answers.
      const hasNoAnswer = error instanceof TypeError;
      throw hasNoAnswer ? new Error(`no partition of ${this.#topic} has a leader`) : error;
    });
    this.#firstEnds = ends.map(({ partition, high }) => ({ partition, offset: high }));
    return this.#firstEnds;
  }

  /** Returns false when the group has members: then only they can commit. */
  async #commitForEmptyGroup(
    partitions: readonly PartitionOffset[],
  ): Promise<boolean> {
    const cluster = createCluster(this.#kafka);
    try {
      await cluster.connect();
      await cluster.refreshMetadata();
      const coordinator = await cluster.findGroupCoordinator({ groupId: this.#groupId });
      const topics = [{ topic: this.#topic, partitions: [...partitions] }];
      await coordinator.offsetCommit({ ...NO_MEMBER, groupId: this.#groupId, topics });
      return true;
    } catch (error) {
      if (isCommitRefused(error)) return false;
      throw error;
    } finally {
      await cluster.disconnect().catch(() => {});
    }
  }

  async #hasOffsets(admin: Admin): Promise<boolean> {
    const topics = await admin.fetchOffsets({ groupId: this.#groupId, topics: [this.#topic] });
    return topics.some(({ partitions }) => partitions.some(({ offset }) => offset !== "-1"));
  }
}
