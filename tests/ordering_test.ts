import { assertEquals, assertRejects } from "@std/assert";
import { formatOrigin } from "../src/event.ts";
import { LeaseController } from "../src/lease.ts";
import { EventNotSettledError } from "../src/listener.ts";
import { inOrder, partitionLane } from "../src/ordering.ts";
import { everythingSettled } from "./support/eventually.ts";
import { anEvent } from "./support/events.ts";
import { FakeDeliver } from "./support/fake_deliver.ts";
import { seededRandom } from "./support/seeded_random.ts";

const LEASE = new LeaseController();

Deno.test("partitionLane() tells topics and partitions apart", () => {
  const lanes = [
    anEvent({ topic: "A", partition: 0 }),
    anEvent({ topic: "A", partition: 1 }),
    anEvent({ topic: "B", partition: 0 }),
    anEvent({ topic: "A[1]", partition: 0 }),
  ].map(partitionLane);

  assertEquals(new Set(lanes).size, 4);
});

Deno.test("partitionLane() is the same for all events of a partition", () => {
  assertEquals(
    partitionLane(anEvent({ offset: 1, key: null })),
    partitionLane(anEvent({ offset: 2 })),
  );
});

Deno.test("inOrder() starts the next event of a lane when the one before has settled, not earlier", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, partitionLane);

  const all = [1, 2, 3].map((offset) => deliver(anEvent({ topic: "T", offset }), LEASE));
  await everythingSettled();
  assertEquals(pipeline.started, ["T[0]@1"]);

  pipeline.settle("T[0]@1");
  await everythingSettled();
  assertEquals(pipeline.started, ["T[0]@1", "T[0]@2"]);

  pipeline.settle("T[0]@2");
  await everythingSettled();
  pipeline.settle("T[0]@3");
  await Promise.all(all);
  assertEquals(pipeline.started, ["T[0]@1", "T[0]@2", "T[0]@3"]);
});

Deno.test("inOrder() acknowledges an event when that event has settled, not earlier", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, partitionLane);
  let isSettled = false;
  const settled = deliver(anEvent({ topic: "T", offset: 1 }), LEASE).then(() => isSettled = true);

  await everythingSettled();
  assertEquals(isSettled, false);

  pipeline.settle("T[0]@1");
  await settled;
});

Deno.test("inOrder() lets lanes run side by side, when one of them hangs", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, partitionLane);

  const hanging = deliver(anEvent({ topic: "T", partition: 0, offset: 1 }), LEASE);
  const first = deliver(anEvent({ topic: "T", partition: 1, offset: 1 }), LEASE);
  const second = deliver(anEvent({ topic: "T", partition: 1, offset: 2 }), LEASE);
  await everythingSettled();
  assertEquals(pipeline.running, ["T[0]@1", "T[1]@1"]);
  pipeline.settle("T[1]@1");
  await first;
  await everythingSettled();
  pipeline.settle("T[1]@2");
  await second;

  assertEquals(pipeline.running, ["T[0]@1"]);
  pipeline.settle("T[0]@1");
  await hanging;
});

Deno.test("inOrder() does not start an event, when its lease is ending at its turn", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, partitionLane);
  const lease = new LeaseController();

  const running = deliver(anEvent({ topic: "T", offset: 1 }), lease);
  const queued = deliver(anEvent({ topic: "T", offset: 2 }), lease);
  const queuedBehind = deliver(anEvent({ topic: "T", offset: 3 }), lease);
  await everythingSettled();
  lease.beginEnd();
  pipeline.settle("T[0]@1");

  await running;
  await assertRejects(() => queued, EventNotSettledError);
  await assertRejects(() => queuedBehind, EventNotSettledError);
  assertEquals(pipeline.started, ["T[0]@1"]);
});

Deno.test("inOrder() does not start an event, when its lease was ending before", async () => {
  const pipeline = new FakeDeliver();
  const lease = new LeaseController();
  lease.beginEnd();

  await assertRejects(
    () => inOrder(pipeline.deliver, partitionLane)(anEvent(), lease),
    EventNotSettledError,
  );
  assertEquals(pipeline.started, []);
});

Deno.test("inOrder() starts an event under its new lease, when the one before lost its own", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, partitionLane);
  const lost = new LeaseController();

  const first = deliver(anEvent({ topic: "T", offset: 1 }), lost);
  const again = deliver(anEvent({ topic: "T", offset: 1 }), LEASE);
  await everythingSettled();
  lost.end();
  assertEquals(pipeline.started, ["T[0]@1"], "the call of the lost lease still runs");
  pipeline.reject("T[0]@1", new EventNotSettledError("lost"));

  await assertRejects(() => first, EventNotSettledError, "lost");
  await everythingSettled();
  assertEquals(pipeline.started, ["T[0]@1", "T[0]@1"]);
  pipeline.settle("T[0]@1");
  await again;
});

Deno.test("inOrder() passes a rejection on as it is, to its own event only", async () => {
  const bug = new TypeError("a bug");
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, partitionLane);

  const first = deliver(anEvent({ topic: "T", offset: 1 }), LEASE);
  const second = deliver(anEvent({ topic: "T", offset: 2 }), LEASE);
  await everythingSettled();
  pipeline.reject("T[0]@1", bug);

  assertEquals(await first.catch((error) => error) === bug, true);
  await everythingSettled();
  pipeline.settle("T[0]@2");
  await second;
});

Deno.test("inOrder() keeps every lane in order and to one event at a time, in whatever order calls end", async () => {
  const random = seededRandom(1);
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, partitionLane);
  const events = Array.from(
    { length: 500 },
    (_, offset) => anEvent({ topic: "T", partition: Math.floor(random() * 7), offset }),
  );
  const all = Promise.all(events.map((event) => deliver(event, LEASE)));

  for (let settled = 0; settled < events.length; settled++) {
    await everythingSettled();
    const { running } = pipeline;
    const lanes = running.map((place) => place.slice(0, place.indexOf("@")));
    assertEquals(new Set(lanes).size, lanes.length, `two of a lane at once: ${running}`);
    pipeline.settle(running[Math.floor(random() * running.length)] ?? "none runs");
  }
  await all;

  for (let partition = 0; partition < 7; partition++) {
    const ofLane = (place: string) => place.startsWith(`T[${partition}]`);
    assertEquals(
      pipeline.started.filter(ofLane),
      events.map(({ origin }) => formatOrigin(origin)).filter(ofLane),
    );
  }
});

Deno.test("inOrder() keeps nothing of a lane, when all its events have come to an end", async () => {
  const pipeline = new FakeDeliver();
  const { deliver, lanes } = withLanesInSight(() => inOrder(pipeline.deliver, partitionLane));

  const all = [0, 1, 2].map((partition) => deliver(anEvent({ topic: "T", partition }), LEASE));
  const queued = deliver(anEvent({ topic: "T", partition: 0, offset: 185 }), LEASE);
  await everythingSettled();
  assertEquals(lanes.size, 3);

  pipeline.settle("T[1]@184");
  pipeline.reject("T[2]@184", new EventNotSettledError("lost"));
  pipeline.settle("T[0]@184");
  await Promise.allSettled(all);
  await everythingSettled();
  assertEquals([...lanes.keys()], ["T[0]"], "an event of this lane still runs");

  pipeline.settle("T[0]@185");
  await queued;
  await everythingSettled();
  assertEquals(lanes.size, 0);
});

/** The only way to see that memory is given back: the map that `make` creates. */
function withLanesInSight<Deliver>(
  make: () => Deliver,
): { deliver: Deliver; lanes: Map<string, unknown> } {
  const maps: Map<string, unknown>[] = [];
  const OriginalMap = globalThis.Map;
  globalThis.Map = class<Key, Value> extends OriginalMap<Key, Value> {
    constructor() {
      super();
      maps.push(this as unknown as Map<string, unknown>);
    }
  } as unknown as MapConstructor;
  try {
    const deliver = make();
    const [lanes] = maps;
    if (lanes === undefined) throw new Error("No map was made: look for the lanes elsewhere");
    return { deliver, lanes };
  } finally {
    globalThis.Map = OriginalMap;
  }
}
