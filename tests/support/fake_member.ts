import type { GroupMember } from "../../src/transports/kafka/consumer/group_members.ts";

/** A member of a group that fetches nothing. */
export class FakeMember implements GroupMember {
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

  untilWanted(): AbortSignal {
    return new AbortController().signal;
  }

  take(): void {}
}
