import { FetchDemand } from "../../src/transports/kafka/consumer/fetch_demand.ts";
import type { GroupMember } from "../../src/transports/kafka/consumer/group_members.ts";

/** A member of a group that fetches nothing. */
export class FakeMember implements GroupMember {
  readonly demand = new FetchDemand();
  /** What it was told. */
  readonly calls: string[] = [];

  beforeRejoin(): Promise<void> {
    this.calls.push("beforeRejoin");
    return Promise.resolve();
  }

  expelled(): void {
    this.calls.push("expelled");
  }

  committedBefore(): void {}

  offsetReset(): void {}

  wantsMore(): boolean {
    return false;
  }

  take(): void {}
}
