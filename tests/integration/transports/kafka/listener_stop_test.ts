import { assertEquals } from "@std/assert";
import { LeaseController } from "../../../../src/core/lease.ts";
import { kafkaListenerSchema } from "../../../../src/transports/kafka/config/mod.ts";
import { KafkaListener } from "../../../../src/transports/kafka/consumer/listener.ts";
import { places } from "../../../support/kafka/assign.ts";
import { eventually, everythingSettled } from "../../../support/eventually.ts";
import { FakeDeliver } from "../../../support/fakes/deliver.ts";
import { FakeGroup } from "../../../support/kafka/fake_group.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

/** Events whose work ends later than any drain before a rebalance, and a listener that works on all of them. */
class Working implements Disposable {
  readonly group: FakeGroup;
  readonly pipeline = new FakeDeliver();
  readonly lease = new LeaseController();
  hasEnded = false;
  readonly #timeout = AbortSignal.timeout;

  private constructor(group: FakeGroup) {
    this.group = group;
    AbortSignal.timeout = () => AbortSignal.abort();
  }

  static async start({ events = 2 } = {}): Promise<Working> {
    const working = new Working(new FakeGroup({ events }));
    const { group, pipeline, lease } = working;
    const config = kafkaListenerSchema.parse({
      type: "kafka",
      topic: group.topic,
      consumerConfig: {
        "bootstrap.servers": "broker:9092",
        "group.id": group.groupId,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": true,
      },
    });
    const { log } = new RecordedLog();
    const context = { pipeline: "working", log, limits: DEFAULT_LIMITS };
    const listener = await KafkaListener.open(config, context);
    listener.listen(pipeline.deliver, lease).finally(() => working.hasEnded = true).catch(() => {});
    await group.join([0]);
    await group.fetch();
    await eventually(() => pipeline.running.length === events, { what: "work on all events" });
    return working;
  }

  /** Lets work on events end. */
  settle(...offsets: readonly number[]): void {
    for (const place of places(...offsets)) this.pipeline.settle(place);
  }

  async ended(): Promise<void> {
    await eventually(() => this.hasEnded, { what: "the listener's end" });
  }

  [Symbol.dispose](): void {
    AbortSignal.timeout = this.#timeout;
    this.group[Symbol.dispose]();
  }
}

Deno.test("KafkaListener commits what ends after it was stopped and has joined its group anew", async () => {
  using working = await Working.start();
  const { group, lease } = working;
  lease.beginEnd();
  await group.join([0]);
  await group.fetch();
  working.settle(0, 1);
  await working.ended();
  assertEquals(group.committed, 2);
});

Deno.test("KafkaListener commits what ends after it was stopped, when a fetch was under way then", async () => {
  using working = await Working.start();
  const { group, lease } = working;
  await group.join([0]);
  group.onFetch = () => lease.beginEnd();
  await group.fetch();
  working.settle(0, 1);
  await working.ended();
  assertEquals(group.committed, 2);
});

Deno.test("KafkaListener waits for a join when it is stopped, to commit what has ended meanwhile", async () => {
  using working = await Working.start();
  const { group } = working;
  const join = await stopInJoin(working);

  await join.end([0]);
  await group.fetch();
  await working.ended();
  assertEquals(group.committed, 2);
});

Deno.test("KafkaListener waits for no join when it is stopped and everything that has ended is committed", async () => {
  using working = await Working.start();
  const { group, lease } = working;
  working.settle(0, 1);
  await everythingSettled();
  const join = startJoin(group);
  await eventually(() => group.committed === 2, { what: "the commit before the join" });
  lease.beginEnd();
  await working.ended();
  await join.end([]);
});

Deno.test("KafkaListener waits for no join any more when its time to stop is over", async () => {
  using working = await Working.start();
  const { group, lease } = working;
  const join = await stopInJoin(working);

  lease.end();
  await working.ended();
  assertEquals(group.committed, 0);
  await join.end([]);
});

Deno.test("KafkaListener waits for no join any more when the consumer cannot go on", async () => {
  using working = await Working.start();
  const { group } = working;
  const join = await stopInJoin(working);

  group.crash(new Error("no broker is there"));
  await working.ended();
  assertEquals(group.committed, 0);
  await join.end([]);
});

Deno.test("KafkaListener commits nothing of a partition that it has lost while it is stopped", async () => {
  using working = await Working.start();
  const { group, lease } = working;
  const join = startJoin(group);
  await everythingSettled();
  lease.beginEnd();
  working.settle(0, 1);
  await join.end([]);
  await working.ended();
  assertEquals(group.committed, 0);
});

Deno.test("KafkaListener commits nothing of a partition that another member had while it is stopped", async () => {
  using working = await Working.start({ events: 5 });
  const { group, lease } = working;
  lease.beginEnd();
  const join = startJoin(group);
  await everythingSettled();
  group.committed = 3;
  await join.end([0]);
  working.settle(0, 1, 2, 3);
  await everythingSettled();
  assertEquals(group.committed, 3);

  await group.fetch();
  assertEquals(working.pipeline.deliveries[0]?.lease.ended.aborted, true);
  working.settle(4);
  await working.ended();
  assertEquals(group.committed, 3);
});

/** Has everything end while a listener is stopped and joins its group anew: it waits for the join. */
async function stopInJoin(working: Working) {
  const { group, lease } = working;
  const join = startJoin(group);
  await everythingSettled();
  lease.beginEnd();
  working.settle(0, 1);
  await everythingSettled();
  assertEquals([working.hasEnded, group.committed], [false, 0]);
  return join;
}

/** Has a member join anew, which all others do when `end()` is called. */
function startJoin(group: FakeGroup) {
  const { promise, resolve } = Promise.withResolvers<readonly number[]>();
  const joined = group.join(promise);
  return {
    async end(partitions: readonly number[]): Promise<void> {
      resolve(partitions);
      await joined;
    },
  };
}
