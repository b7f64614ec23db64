import { FetchDemand } from "../../../src/transports/kafka/consumer/fetch_buffer.ts";
import { GroupEntry } from "../../../src/transports/kafka/consumer/group_entry.ts";
import type { GroupMember } from "../../../src/transports/kafka/consumer/group_member.ts";
import { Membership } from "../../../src/transports/kafka/consumer/membership.ts";
import { PartitionProblems } from "../../../src/transports/kafka/client/partition_problems.ts";
import { RecordedLog } from "../recorded_log.ts";

/** A member of a group that fetches nothing. */
export class FakeMember implements GroupMember {
  readonly topic = "T";
  readonly demand = new FetchDemand();
  readonly log = new RecordedLog().log;
  readonly offsetReset = "earliest";
  readonly entry = new GroupEntry({ groupId: "orders", topic: "T", start: null }, {
    log: this.log,
  });
  readonly troubles = new PartitionProblems({
    topic: this.topic,
    action: "read",
    log: this.log,
    health: undefined,
  });
  /** What it was told. */
  readonly calls: string[] = [];
  /** For what it waits when its consumer cannot go on. */
  beforeLeaving: Promise<void> = Promise.resolve();

  prepareRebalance(): Promise<void> {
    this.calls.push("prepareRebalance");
    return Promise.resolve();
  }

  fenced(): void {
    this.calls.push("fenced");
  }

  async consumerStopped(error: Error, heldForMs: number): Promise<void> {
    this.calls.push(`crashed: ${error.message}, held for ${heldForMs} ms`);
    await this.beforeLeaving;
  }

  committedBefore(): void {}

  resets(): void {}

  topicGone(): void {}

  wantsMore(): boolean {
    return false;
  }

  take(): void {}
}

/** The membership that calls `member`. */
export function aMembership(member: FakeMember): Membership {
  return new Membership(member, { groupId: "orders", metadataMaxAgeMs: 60_000, log: member.log });
}
