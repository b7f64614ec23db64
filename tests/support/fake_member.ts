import type { GroupMember } from "../../src/transports/kafka/consumer/group_members.ts";

/** A member of a group that fetches nothing. */
export class FakeMember implements GroupMember {
  beforeRejoin(): Promise<void> {
    return Promise.resolve();
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
