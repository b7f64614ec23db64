import type { Logger } from "../../../core/log.ts";
import type { PartitionProblems } from "../client/partition_problems.ts";
import type { FetchDemand } from "./fetch_buffer.ts";
import type { GroupEntry } from "./group_entry.ts";
import type { PartitionOffset } from "../kafkajs/types.ts";
import type { FetchedPartition } from "./partition_response.ts";

/** A group member, which is called for the partitions that it gains, fetches and gives up. */
export interface GroupMember {
  readonly topic: string;
  readonly log: Logger;
  /** `auto.offset.reset` */
  readonly offsetReset: "earliest" | "latest";
  /** How the member joins the group. */
  readonly entry: GroupEntry;
  /** Records unreadable partitions, and backs off from each. */
  readonly troubles: PartitionProblems;
  /** Signals when `wantsMore` becomes true for a partition. */
  readonly demand: FetchDemand;
  /** Called before each rejoin, on every path, while commits are still accepted. */
  prepareRebalance(): Promise<void>;
  /** Called when the group has fenced this member: others may own its partitions. It rejoins afterwards. */
  fenced(): void;
  /**
   * Called when the consumer cannot continue. It leaves the group once this resolves.
   *
   * @param heldForMs how long the partitions stay this member's without another heartbeat
   */
  consumerStopped(error: Error, heldForMs: number): Promise<void>;
  /** Called with the committed offset of a partition, once known, before the partition is fetched. */
  committedBefore(commit: PartitionOffset): void;
  /** Called before a partition continues at another offset, as its topic may have been re-created. */
  resets(partition: number): void;
  /** Called while the topic does not exist, and once it is back: it may be another topic of the same name. */
  topicGone(isGone: boolean): void;
  /** Whether to fetch more of a partition. `nextOffset` is its next fetch offset. */
  wantsMore(partition: number, nextOffset: number): boolean;
  /**
   * Receives fetched records, in offset order for each partition. Returns at once: waiting here would stall all other
   * partitions.
   */
  take(fetched: FetchedPartition): void;
}
