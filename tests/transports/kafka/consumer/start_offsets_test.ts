import { assertEquals, assertRejects } from "@std/assert";
import type { OffsetManager } from "../../../../src/transports/kafka/kafkajs/types.ts";
import { findStartOffsets } from "../../../../src/transports/kafka/consumer/start_offsets.ts";
import { PartitionProblems } from "../../../../src/transports/kafka/client/partition_problems.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

/** A topic `T` whose partitions have these leaders, and what the group has committed. */
class FakeAssignment {
  readonly groupId = "g";
  readonly known: Record<string, Record<number, string>> = {};
  readonly memberAssignment: Record<string, readonly number[]>;
  readonly cluster = {
    findLeaderForPartitions: (_: string, partitions: readonly number[]) =>
      this.#byLeader(partitions),
    findBroker: () => Promise.resolve({ listOffsets: (request: object) => this.#list(request) }),
  };
  /** Partitions of which brokers do not tell the first offset, and why. */
  readonly failures = new Map<number, Error>();
  readonly resets: number[] = [];
  readonly troubles: PartitionProblems;
  readonly log = new RecordedLog();
  nowMs = 0;
  isGivenUp = false;
  readonly #leaders: readonly number[];
  readonly #committed: Readonly<Record<number, string>>;

  constructor(
    { leaders, committed = {} }: { leaders: number[]; committed?: Record<number, string> },
  ) {
    this.#leaders = leaders;
    this.#committed = committed;
    this.memberAssignment = { T: leaders.map((_, partition) => partition) };
    this.troubles = new PartitionProblems({
      topic: "T",
      action: "read",
      log: this.log.log,
      health: undefined,
      now: () => this.nowMs,
    });
  }

  committedOffsets(): Record<string, Record<number, string>> {
    return this.known;
  }

  getCoordinator() {
    const offsetFetch = (
      { topics: [asked] }: { topics: { partitions: { partition: number }[] }[] },
    ) => {
      const partitions = (asked?.partitions ?? []).map(({ partition }) => ({
        partition,
        offset: this.#committed[partition] ?? "-1",
      }));
      return Promise.resolve({ responses: [{ partitions }] });
    };
    return Promise.resolve({ offsetFetch });
  }

  async find(): Promise<Record<number, string>> {
    const member = {
      topic: "T",
      troubles: this.troubles,
      resets: (partition: number) => void this.resets.push(partition),
    };
    await findStartOffsets(this as unknown as OffsetManager, member, () => this.isGivenUp);
    return this.known["T"] ?? {};
  }

  #byLeader(partitions: readonly number[]): Record<string, number[]> {
    const byLeader: Record<string, number[]> = {};
    for (const partition of partitions) {
      const leader = this.#leaders[partition]!;
      if (leader >= 0) (byLeader[leader] ??= []).push(partition);
    }
    return byLeader;
  }

  #list(request: object) {
    const [asked] = (request as { topics: { partitions: { partition: number }[] }[] }).topics;
    const partitions = asked!.partitions;
    for (const { partition } of partitions) {
      const failure = this.failures.get(partition);
      if (failure !== undefined) return Promise.reject(failure);
    }
    const offsets = partitions.map(({ partition }) => ({ partition, offset: `${partition}00` }));
    return Promise.resolve({ responses: [{ partitions: offsets }] });
  }
}

function protocolError(type: string): Error {
  return Object.assign(new Error("refused"), { name: "KafkaJSProtocolError", type });
}

Deno.test("findStartOffsets() goes on where the group has committed, and at the first record elsewhere", async () => {
  const assignment = new FakeAssignment({ leaders: [1, 2, 1], committed: { 1: "17" } });
  assertEquals(await assignment.find(), { 0: "000", 1: "17", 2: "200" });
  assertEquals(assignment.resets, [0, 2], "their topic may be a new one");
});

Deno.test("findStartOffsets() waits for no partition without a leader, and knows where it goes on if that is committed", async () => {
  const assignment = new FakeAssignment({ leaders: [-1, 1, -1], committed: { 0: "5" } });
  assertEquals(await assignment.find(), { 0: "5", 1: "100" });
});

Deno.test("findStartOffsets() asks for each partition by itself when one of them fails all", async () => {
  const assignment = new FakeAssignment({ leaders: [1, 1, 1] });
  assignment.failures.set(1, protocolError("NOT_LEADER_FOR_PARTITION"));
  assertEquals(await assignment.find(), { 0: "000", 2: "200" });
  assertEquals([0, 1, 2].map((partition) => assignment.troubles.isPaused(partition)), [
    false,
    true,
    false,
  ]);
});

Deno.test("findStartOffsets() leaves a partition alone while it is paused, and finds it later", async () => {
  const assignment = new FakeAssignment({ leaders: [1] });
  assignment.failures.set(0, protocolError("LEADER_NOT_AVAILABLE"));
  await assignment.find();
  assignment.failures.clear();
  assertEquals(await assignment.find(), {});
  assignment.nowMs = 1000;
  assertEquals(await assignment.find(), { 0: "000" });
});

Deno.test("findStartOffsets() notes nothing for an assignment that was given up meanwhile", async () => {
  const assignment = new FakeAssignment({ leaders: [1], committed: { 0: "5" } });
  assignment.isGivenUp = true;
  assertEquals(await assignment.find(), {});
});

Deno.test("findStartOffsets() fails when the pipeline may not know the offsets", async () => {
  const assignment = new FakeAssignment({ leaders: [1] });
  assignment.failures.set(0, protocolError("TOPIC_AUTHORIZATION_FAILED"));
  await assertRejects(() => assignment.find());
});
