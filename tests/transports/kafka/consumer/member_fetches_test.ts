import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { FetchDemand } from "../../../../src/transports/kafka/consumer/fetch_buffer.ts";
import type { GroupMember } from "../../../../src/transports/kafka/consumer/group_member.ts";
import type { ConsumerGroup } from "../../../../src/transports/kafka/kafkajs/types.ts";
import { MemberFetches } from "../../../../src/transports/kafka/consumer/member_fetches.ts";
import type {
  FetchedPartition,
} from "../../../../src/transports/kafka/consumer/partition_response.ts";
import { PartitionProblems } from "../../../../src/transports/kafka/client/partition_problems.ts";
import { eventually } from "../../../support/eventually.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const NEVER = new Promise<never>(() => {});

/** A member with partitions 0 and 1 of topic `T`, which brokers 1 and 2 lead. */
function aMember() {
  const log = new RecordedLog();
  const clock = { ms: 0 };
  const troubles = new PartitionProblems({
    topic: "T",
    action: "read",
    log: log.log,
    health: undefined,
    now: () => clock.ms,
  });
  const taken: FetchedPartition[] = [];
  const told: string[] = [];
  const leaders: Record<number, number> = { 0: 1, 1: 2 };
  const calls = {
    /** What comes of a fetch from a broker. */
    fetch: (_nodeId: string): Promise<void> => Promise.resolve(),
    refresh: (): Promise<void> => Promise.resolve(),
    checkForStale: () => {},
  };
  const known: Record<number, string> = { 0: "10", 1: "20" };
  const offsetManager = {
    groupId: "g",
    memberId: "m",
    generationId: 1,
    memberAssignment: { T: [0, 1] },
    committedOffsets: () => ({ T: known }),
    nextOffset: (_: string, partition: number) => known[partition]!,
    resolveOffset: () => {},
    clearOffsets: ({ partition }: { partition: number }) => void told.push(`clear ${partition}`),
    commitOffsets: () => Promise.resolve(),
    getCoordinator: () => NEVER,
  };
  const group = {
    groupId: "g",
    maxWaitTime: 1,
    minBytes: 1,
    maxBytes: 1000,
    maxBytesPerPartition: 1000,
    isolationLevel: 1,
    rackId: "",
    metadataMaxAge: 300_000,
    preferredReadReplicasPerTopicPartition: {} as ConsumerGroup[
      "preferredReadReplicasPerTopicPartition"
    ],
    offsetManager,
    cluster: {
      refreshMetadata: () => calls.refresh(),
      refreshMetadataIfNecessary: () => calls.refresh(),
      findTopicPartitionMetadata: () =>
        Object.entries(leaders).map(([partition, leader]) => ({
          partitionId: Number(partition),
          leader,
        })),
      findLeaderForPartitions: () => ({}),
      getNodeIds: () => ["1", "2"],
      removeBroker: ({ host, port }: { host: string; port: number }) =>
        void told.push(`remove ${host}:${port}`),
      findBroker: ({ nodeId }: { nodeId: string }) =>
        Promise.resolve({
          async fetch() {
            await calls.fetch(nodeId);
            const partition = Number(Object.keys(leaders).find((p) => leaders[+p] === +nodeId));
            const end = known[partition]!;
            const answer = {
              partition,
              errorCode: 0,
              highWatermark: end,
              lastStableOffset: end,
              messages: [],
            };
            return { responses: [{ topicName: "T", partitions: [answer] }] };
          },
          listOffsets: () => NEVER,
        }),
    },
    assigned: () => [{ topic: "T", partitions: [0, 1] }],
    filterPartitionsByNode: (nodeId: string) => [{
      topic: "T",
      partitions: [0, 1].filter((partition) => leaders[partition] === Number(nodeId)),
    }],
    checkForStaleAssignment: () => calls.checkForStale(),
    commitOffsets: () => Promise.resolve(),
  };
  const member = {
    topic: "T",
    log: log.log,
    offsetReset: "latest",
    entry: { assigned: () => Promise.resolve() },
    troubles,
    demand: new FetchDemand(),
    wantsMore: () => true,
    resets: (partition: number) => void told.push(`resets ${partition}`),
    topicGone: () => void told.push("topic gone"),
    take: (fetched: FetchedPartition) => void taken.push(fetched),
  };
  const fetches = new MemberFetches(
    group as unknown as ConsumerGroup,
    member as unknown as GroupMember,
  );
  const turn = (nodeId: string) => fetches.turn(nodeId, () => false);
  return { calls, clock, group, leaders, log, told, troubles, turn };
}

Deno.test("a broker that does not answer keeps nobody waiting, and gets no second fetch meanwhile", async () => {
  const { calls, turn } = aMember();
  let fetches = 0;
  calls.fetch = () => {
    fetches++;
    return NEVER;
  };
  const startMs = performance.now();
  await turn("2");
  await turn("2");
  assertEquals(fetches, 1);
  assertLess(performance.now() - startMs, 5000);
});

Deno.test("a broker that fails has its partitions wait, and no others", async () => {
  const { calls, clock, log, troubles, turn } = aMember();
  calls.fetch = (nodeId) =>
    nodeId === "2" ? Promise.reject(new Error("connect ECONNREFUSED")) : Promise.resolve();
  await turn("1");
  await turn("2");
  assertEquals([troubles.isPaused(0), troubles.isPaused(1)], [false, true]);
  clock.ms = 5000;
  troubles.report();
  assertEquals(log.lines, [
    "WARN - cannot read T[1]@20: cannot fetch from broker 2: connect ECONNREFUSED; trying again",
  ]);
});

Deno.test("a connection that was closed is given up, so that another one is opened", async () => {
  const { calls, told, turn } = aMember();
  const closed = { name: "KafkaJSConnectionClosedError", host: "h", port: 1 };
  calls.fetch = () => Promise.reject(Object.assign(new Error("closed"), closed));
  await turn("1");
  assertEquals(told, ["remove h:1"]);
});

Deno.test("a refusal ends the turn: it is no matter of one broker", async () => {
  const { calls, turn } = aMember();
  calls.fetch = () =>
    Promise.reject(Object.assign(new Error("no"), { type: "TOPIC_AUTHORIZATION_FAILED" }));
  await assertRejects(() => turn("1"));
});

Deno.test("a partition without a leader is named with its offset", async () => {
  const { clock, leaders, log, troubles, turn } = aMember();
  leaders[1] = -1;
  await turn("1");
  clock.ms = 5000;
  troubles.report();
  assertEquals(log.lines, ["WARN - cannot read T[1]@20: no broker leads it; trying again"]);
});

Deno.test("a partition that its topic no longer has is not said to be without a leader", async () => {
  const { clock, leaders, log, troubles, turn } = aMember();
  delete leaders[1];
  await turn("1");
  clock.ms = 5000;
  troubles.report();
  assertEquals(log.lines, [
    "WARN - cannot read T[1]@20: its topic has fewer partitions now; trying again",
  ]);
});

Deno.test("a topic that does not exist any more is named, and looked up anew when it is back", async () => {
  const { calls, clock, log, told, troubles, turn } = aMember();
  const unknown = Object.assign(new Error("unknown"), { type: "UNKNOWN_TOPIC_OR_PARTITION" });
  calls.refresh = () => Promise.reject(unknown);
  await turn("1");
  await turn("1");
  clock.ms = 5000;
  troubles.report();
  assertEquals(log.lines, [
    "WARN - cannot read T[0]@10, T[1]@20: the topic does not exist any more; trying again",
  ]);
  assertEquals(told.includes("topic gone"), true);

  calls.refresh = () => Promise.resolve();
  await eventually(async () => {
    await turn("1");
    return told.includes("clear 0") && told.includes("clear 1");
  }, { what: () => `that offsets are asked for anew, found ${told}` });
});

Deno.test("a topic that seems to change all the time makes a member join anew once in 5 s at most", async () => {
  const { calls, turn } = aMember();
  const stale = Object.assign(new Error("stale"), { name: "KafkaJSStaleTopicMetadataAssignment" });
  calls.checkForStale = () => {
    throw stale;
  };
  await assertRejects(() => turn("1"));
  await turn("1");
});
