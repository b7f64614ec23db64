import { assert, assertEquals } from "@std/assert";
import { PipelineHealth } from "../../../../../src/core/health.ts";
import { Leadership } from "../../../../../src/transports/kafka/consumer/assignment/leading.ts";
import { RecordedLog } from "../../../../support/recorded_log.ts";

const UNKNOWN_TOPIC = 3;
const NOT_AUTHORIZED = 29;

Deno.test("Leadership counts partitions of all topics by one question, which creates none", async () => {
  const { led, cluster } = aLeader({ a: 2, b: 5 });
  assertEquals(await led.count(cluster, new Set(["a", "b"])), new Map([["a", 2], ["b", 5]]));
  assertEquals(cluster.asked, [{ topics: ["a", "b"], creates: false }]);
});

Deno.test("Leadership takes a topic that does not exist for one without partitions", async () => {
  const { led, cluster, log, health } = aLeader({ a: 2 });
  assertEquals(await led.count(cluster, new Set(["a", "gone"])), new Map([["a", 2], ["gone", 0]]));
  assertEquals(log.of("WARN"), []);
  assertEquals(health.reasons(), []);
});

Deno.test("Leadership asks nothing for a group without topics", async () => {
  const { led, cluster } = aLeader({ a: 2 });
  assertEquals(await led.count(cluster, new Set()), new Map());
  assertEquals(cluster.asked, []);
});

Deno.test("Leadership says which topics it may not look up, until it may or leads no more", async () => {
  const { led, cluster, log, health } = aLeader({ a: 2, secret: "unauthorized" });
  const message =
    "this member leads group 'orders', but may not look up secret, to which other members subscribe: " +
    "no member gets their partitions; grant it Describe on them (ACL)";
  for (let time = 0; time < 2; time++) await led.count(cluster, new Set(["a", "secret"]));
  assertEquals(log.of("WARN"), [message]);
  assertEquals(health.reasons(), [message]);
  cluster.topics = { a: 2, secret: 1 };
  await led.count(cluster, new Set(["a", "secret"]));
  assertEquals(health.reasons(), []);
  cluster.topics = { a: 2, secret: "unauthorized" };
  await led.count(cluster, new Set(["a", "secret"]));
  await led.checkTopics(cluster);
  assertEquals(health.reasons(), []);
});

Deno.test("Leadership finds new partitions at intervals, and missing topics sooner", async () => {
  const { led, cluster, clock } = aLeader({ a: 2 });
  await led.count(cluster, new Set(["a"]));
  cluster.topics = { a: 3 };
  clock.nowMs = 59_000;
  assert(!(await led.haveChanged(cluster)));
  clock.nowMs = 60_000;
  assert(await led.haveChanged(cluster));

  await led.count(cluster, new Set(["a", "late"]));
  clock.nowMs += 5000;
  assert(!(await led.haveChanged(cluster)));
  cluster.topics = { a: 3, late: 1 };
  clock.nowMs += 5000;
  assert(await led.haveChanged(cluster));
});

Deno.test("Leadership goes on with a topic that is gone, until it is back with other partitions", async () => {
  const { led, cluster, clock } = aLeader({ a: 2, b: 3 });
  await led.count(cluster, new Set(["a", "b"]));
  cluster.topics = { b: 3 };
  clock.nowMs += 60_000;
  assert(!(await led.haveChanged(cluster)));
  assertEquals(await led.count(cluster, new Set(["a", "b"])), new Map([["a", 2], ["b", 3]]));
  cluster.topics = { a: 1, b: 3 };
  clock.nowMs += 60_000;
  assert(await led.haveChanged(cluster));
});

Deno.test("Leadership goes by what it knows while brokers do not answer", async () => {
  const { led, cluster, clock } = aLeader({ a: 2, b: 1 });
  await led.count(cluster, new Set(["a"]));
  cluster.isAway = true;
  assertEquals(await led.count(cluster, new Set(["a", "b"])), new Map([["a", 2], ["b", 0]]));
  clock.nowMs += 5000;
  assert(!(await led.haveChanged(cluster)));
  cluster.isAway = false;
  clock.nowMs += 5000;
  assert(await led.haveChanged(cluster));
});

/** A member that leads a group, and the cluster with these topics. */
function aLeader(topics: Record<string, number | "unauthorized">) {
  const clock = { nowMs: 0 };
  const now = () => clock.nowMs;
  const log = new RecordedLog();
  const health = new PipelineHealth({ now });
  const led = new Leadership({
    groupId: "orders",
    metadataMaxAgeMs: 60_000,
    log: log.log,
    health,
    now,
  });
  return { led, clock, log, health, cluster: new FakeCluster(topics) };
}

class FakeCluster {
  readonly asked: { topics: readonly string[]; creates: boolean }[] = [];
  topics: Record<string, number | "unauthorized">;
  isAway = false;

  constructor(topics: Record<string, number | "unauthorized">) {
    this.topics = topics;
  }

  readonly brokerPool = {
    findConnectedBroker: () =>
      this.isAway ? Promise.reject(new Error("away")) : Promise.resolve(new FakeBroker(this)),
  };
}

/** As kafkajs's broker: it asks by what `lookupRequest` creates, and fails as `response.parse` does. */
class FakeBroker {
  readonly cluster: FakeCluster;
  readonly allowAutoTopicCreation: boolean = true;

  constructor(cluster: FakeCluster) {
    this.cluster = cluster;
  }

  lookupRequest(): (payload: unknown) => {
    request: object;
    response: { parse: (answer: never) => unknown };
  } {
    const parse = () => {
      throw new Error("This server does not host this topic-partition");
    };
    return () => ({ request: {}, response: { parse } });
  }

  // deno-lint-ignore no-explicit-any -- as kafkajs has it
  metadata(topics: readonly string[]): Promise<any> {
    this.cluster.asked.push({ topics, creates: this.allowAutoTopicCreation });
    const topicMetadata = topics.map((topic) => {
      const found = this.cluster.topics[topic];
      const topicErrorCode = found === undefined
        ? UNKNOWN_TOPIC
        : found === "unauthorized"
        ? NOT_AUTHORIZED
        : 0;
      const partitionMetadata = Array(typeof found === "number" ? found : 0).fill({});
      return { topic, topicErrorCode, partitionMetadata };
    });
    const { response } = this.lookupRequest()({});
    return Promise.resolve(response.parse({ topicMetadata } as never));
  }
}
