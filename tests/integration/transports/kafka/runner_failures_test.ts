import { assertEquals, assertMatch } from "@std/assert";
import Runner from "kafkajs/src/consumer/runner.js";
import { patchKafkajs } from "../../../../src/transports/kafka/kafkajs/mod.ts";
import { registerConsumer } from "../../../../src/transports/kafka/kafkajs/consumers.ts";
import { eventually, everythingSettled } from "../../../support/eventually.ts";
import { aMembership, FakeMember } from "../../../support/kafka/fake_member.ts";

const GROUP = "orders";
const RETRIES = 2;
const SESSION_MS = 60_000;
const TIMEOUT = new Error("Request Fetch timed out");
const REFUSAL = Object.assign(new Error("Not authorized"), { retriable: false });

patchKafkajs();

/** Fetches of one broker or several, each of which works or fails as the test says. */
class FakeGroup {
  readonly groupId = GROUP;
  readonly memberId = "member-1";
  offsetManager: object | null = {};
  readonly sessionTimeout = SESSION_MS;
  readonly lastRequest = Date.now();
  readonly nodeIds: readonly string[];
  readonly calls: string[] = [];
  readonly #fetch: (call: { nodeId: string; count: number }) => void;
  #count = 0;

  constructor(
    fetch: (call: { nodeId: string; count: number }) => void,
    { nodeIds = ["1"] }: { nodeIds?: readonly string[] } = {},
  ) {
    this.#fetch = fetch;
    this.nodeIds = nodeIds;
  }

  /** How many fetches were tried. */
  get fetches(): number {
    return this.#count;
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  joinAndSync(): Promise<void> {
    return Promise.resolve();
  }

  heartbeat(): Promise<void> {
    return Promise.resolve();
  }

  leave(): Promise<void> {
    this.calls.push("leave");
    return Promise.resolve();
  }

  getNodeIds(): readonly string[] {
    return this.nodeIds;
  }

  async fetch(nodeId: string): Promise<object[]> {
    // A broker's answer never comes within the same turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.#fetch({ nodeId, count: ++this.#count });
    return [];
  }
}

/** kafkajs's runner, which tells of its crash as its consumer does, and leaves the group then. */
class Running implements AsyncDisposable {
  crash: Error | null = null;
  readonly #runner: Runner;

  constructor(group: FakeGroup) {
    const ignore = () => {};
    const logger = {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: ignore,
      namespace: () => logger,
    };
    this.#runner = new Runner({
      logger,
      consumerGroup: group,
      instrumentationEmitter: { emit: ignore },
      concurrency: 1,
      retry: { retries: RETRIES, initialRetryTime: 1, maxRetryTime: 2 },
      onCrash: async (error: Error) => {
        group.calls.push("crash");
        await this.#runner.stop();
        this.crash = error;
      },
    });
    void this.#runner.start();
  }

  async crashed(): Promise<void> {
    await eventually(() => this.crash !== null, { what: "a crash" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner.stop();
  }
}

Deno.test("failures between which fetching has worked do not add up", async () => {
  registerConsumer(GROUP, aMembership(new FakeMember()));
  const group = new FakeGroup(({ count }) => {
    if (count % 3 === 0) throw TIMEOUT;
  });
  await using running = new Running(group);
  await eventually(() => running.crash !== null || group.fetches > 10 * RETRIES, {
    what: "many failures",
  });
  assertEquals(running.crash, null);
});

Deno.test("failures between which nothing has worked end the consumer", async () => {
  registerConsumer(GROUP, aMembership(new FakeMember()));
  const group = new FakeGroup(({ count }) => {
    if (count > 1) throw TIMEOUT;
  });
  await using running = new Running(group);
  await running.crashed();
  assertEquals(running.crash?.name, "KafkaJSNumberOfRetriesExceeded");
  // The first failure comes after fetching had worked, and does not count.
  assertEquals(group.fetches, 1 + 1 + (1 + RETRIES));
});

Deno.test("failures of one broker add up though another one answers", async () => {
  registerConsumer(GROUP, aMembership(new FakeMember()));
  const group = new FakeGroup(({ nodeId }) => {
    if (nodeId === "2") throw TIMEOUT;
  }, { nodeIds: ["1", "2"] });
  await using running = new Running(group);
  await running.crashed();
  assertEquals(running.crash?.name, "KafkaJSNumberOfRetriesExceeded");
});

Deno.test("a failure that cannot pass ends the consumer though fetching has worked before", async () => {
  registerConsumer(GROUP, aMembership(new FakeMember()));
  const group = new FakeGroup(({ count }) => {
    if (count === 5) throw REFUSAL;
  });
  await using running = new Running(group);
  await running.crashed();
  assertEquals(group.fetches, 5);
});

Deno.test("a member is told before its consumer leaves the group, which waits until it is ready", async () => {
  const member = new FakeMember();
  const ready = Promise.withResolvers<void>();
  member.beforeLeaving = ready.promise;
  registerConsumer(GROUP, aMembership(member));
  const group = new FakeGroup(() => {
    throw REFUSAL;
  });
  await using running = new Running(group);
  await eventually(() => member.calls.length > 0, { what: "that it is told" });
  await everythingSettled();
  assertEquals(group.calls, []);
  assertMatch(member.calls[0]!, /^crashed: .*Not authorized, held for [56]\d{4} ms$/);
  ready.resolve();
  await running.crashed();
  assertEquals(group.calls, ["crash", "leave"]);
});

Deno.test("a member whose consumer cannot join anew holds nothing any more", async () => {
  const member = new FakeMember();
  registerConsumer(GROUP, aMembership(member));
  const group = new FakeGroup(() => {
    throw REFUSAL;
  });
  group.offsetManager = null;
  await using running = new Running(group);
  await running.crashed();
  assertMatch(member.calls[0]!, /held for 0 ms$/);
});
