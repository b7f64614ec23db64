import { assertEquals, assertRejects } from "@std/assert";
import type { Kafka } from "kafkajs";
import type { OffsetManager } from "../../../../src/transports/kafka/kafkajs/types.ts";
import { StartAtEnd } from "../../../../src/transports/kafka/consumer/offset_reset.ts";

const GROUP = "orders";
const TOPIC = "T";
const NO_OFFSET = "-1";

Deno.test("StartAtEnd commits the ends of all partitions for a group without offsets and members", async () => {
  const group = new FakeKafka({ ends: [10, 20] });
  const start = group.start();
  await start.lookUp();
  assertEquals(group.commits, [{ as: "", generation: -1, offsets: { 0: "10", 1: "20" } }]);
  await start.lookUp();
  await start.commitFor(group.assignment([0, 1]));
  assertEquals(group.commits.length, 1);
});

Deno.test("StartAtEnd leaves a group that has an offset as it is, also partitions that have none", async () => {
  const group = new FakeKafka({ ends: [10, 20], committed: { 0: "3" }, hasMembers: true });
  const start = group.start();
  await start.lookUp();
  await start.commitFor(group.assignment([0, 1]));
  assertEquals(group.commits, []);
});

Deno.test("StartAtEnd commits among other members for assigned partitions alone, once, where the topic ended first", async () => {
  const group = new FakeKafka({ ends: [10, 20, 30], hasMembers: true });
  const start = group.start();
  await start.lookUp();
  group.ends = [11, 21, 31];
  const assignment = group.assignment([0, 2]);
  await Promise.all([start.commitFor(assignment), start.commitFor(assignment)]);
  assertEquals(group.commits, [{ as: "member", generation: 7, offsets: { 0: "10", 2: "30" } }]);
  await start.commitFor(group.assignment([0, 1, 2]));
  assertEquals(group.commits.slice(1), [{ as: "member", generation: 7, offsets: { 1: "20" } }]);
});

Deno.test("StartAtEnd takes no offset back that another member has committed since", async () => {
  const group = new FakeKafka({ ends: [10, 20], hasMembers: true });
  const start = group.start();
  await start.lookUp();
  group.committed = { 0: "15" };
  await start.commitFor(group.assignment([0, 1]));
  // Of a topic that was created anew, the group has no offsets either.
  group.committed = {};
  await start.commitFor(group.assignment([0, 1]));
  assertEquals(group.commits, [{ as: "member", generation: 7, offsets: { 1: "20" } }]);
});

Deno.test("StartAtEnd remembers where the topic ended while the group has no coordinator", async () => {
  const group = new FakeKafka({ ends: [10] });
  const start = group.start();
  const loading = Object.assign(new Error("loading"), { type: "GROUP_LOAD_IN_PROGRESS" });
  group.failure = loading;
  await assertRejects(() => start.lookUp(), Error, "loading");
  group.failure = null;
  group.ends = [12];
  await start.lookUp();
  assertEquals(group.commits, [{ as: "", generation: -1, offsets: { 0: "10" } }]);
});

Deno.test("StartAtEnd says that a topic without leaders has no end", async () => {
  const group = new FakeKafka({ ends: [] });
  await assertRejects(() => group.start().lookUp(), Error, "no partition of T has a leader");
});

interface Commit {
  readonly as: string;
  readonly generation: number;
  readonly offsets: Record<number, string>;
}

interface FetchRequest {
  readonly topics: readonly { readonly partitions: readonly { readonly partition: number }[] }[];
}

interface CommitRequest {
  readonly memberId: string;
  readonly groupGenerationId: number;
  readonly topics: readonly {
    readonly partitions: readonly { partition: number; offset: string }[];
  }[];
}

/** kafkajs, a topic, and a group that keeps what is committed. */
class FakeKafka {
  readonly commits: Commit[] = [];
  ends: number[];
  committed: Record<number, string>;
  /** How it answers a question for the group's offsets. */
  failure: Error | null = null;
  readonly #hasMembers: boolean;
  readonly #coordinator = {
    offsetFetch: ({ topics }: FetchRequest) =>
      Promise.resolve({
        responses: topics.map(({ partitions }) => ({
          partitions: partitions.map(({ partition }) => ({
            partition,
            offset: this.committed[partition] ?? NO_OFFSET,
          })),
        })),
      }),
    offsetCommit: (request: object) => this.#commit(request as CommitRequest),
  };

  constructor(
    { ends, committed = {}, hasMembers = false }: {
      ends: number[];
      committed?: Record<number, string>;
      hasMembers?: boolean;
    },
  ) {
    this.ends = ends;
    this.committed = committed;
    this.#hasMembers = hasMembers;
  }

  start(): StartAtEnd {
    const done = () => Promise.resolve();
    const kafka = {
      admin: () => ({
        connect: done,
        disconnect: done,
        fetchOffsets: () => this.#fetchOffsets(),
        // As kafkajs does when no partition has a leader.
        fetchTopicOffsets: () =>
          this.ends.length === 0
            ? Promise.reject(new TypeError("Cannot destructure"))
            : Promise.resolve(this.ends.map((high, partition) => ({ partition, high: `${high}` }))),
      }),
      [Symbol("private:Kafka:createCluster")]: () => ({
        connect: done,
        disconnect: done,
        refreshMetadata: done,
        findGroupCoordinator: () => Promise.resolve(this.#coordinator),
      }),
    };
    return new StartAtEnd(kafka as unknown as Kafka, { groupId: GROUP, topic: TOPIC });
  }

  assignment(partitions: readonly number[]): OffsetManager {
    const assignment = {
      memberId: "member",
      generationId: 7,
      memberAssignment: { [TOPIC]: partitions },
      getCoordinator: () => Promise.resolve(this.#coordinator),
    };
    return assignment as unknown as OffsetManager;
  }

  #fetchOffsets() {
    if (this.failure !== null) return Promise.reject(this.failure);
    const partitions = this.ends.map((_, partition) => ({
      partition,
      offset: this.committed[partition] ?? NO_OFFSET,
    }));
    return Promise.resolve([{ topic: TOPIC, partitions }]);
  }

  #commit({ memberId, groupGenerationId, topics }: CommitRequest): Promise<void> {
    if (memberId === "" && this.#hasMembers) {
      return Promise.reject(Object.assign(new Error("no"), { type: "UNKNOWN_MEMBER_ID" }));
    }
    const partitions = topics.flatMap(({ partitions }) => partitions);
    const offsets = Object.fromEntries(
      partitions.map(({ partition, offset }) => [partition, offset]),
    );
    Object.assign(this.committed, offsets);
    this.commits.push({ as: memberId, generation: groupGenerationId, offsets });
    return Promise.resolve();
  }
}
