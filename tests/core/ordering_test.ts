import { assertEquals, assertRejects } from "@std/assert";
import { Delivery } from "../../src/core/delivery.ts";
import { LeaseController } from "../../src/core/lease.ts";
import { EventNotSettledError } from "../../src/core/listener.ts";
import { inOrder, type Ordering } from "../../src/core/ordering.ts";
import { promisesSettled } from "../support/eventually.ts";
import { anEvent } from "../support/events.ts";
import { FakeDeliver } from "../support/fakes/deliver.ts";
import { OpenPartition } from "../support/kafka/open_partition.ts";
import { seededRandom } from "../support/seeded_random.ts";

const IN_ORDER: readonly Ordering[] = ["key", "partition"];

for (const ordering of IN_ORDER) {
  Deno.test(`inOrder() by ${ordering} starts the next event of an ordering key when the one before has settled, not earlier`, async () => {
    const pipeline = new FakeDeliver();
    const deliver = inOrder(pipeline.deliver, ordering);
    const lease = new LeaseController();

    const all = [1, 2, 3].map((offset) =>
      deliver(new Delivery(anEvent({ topic: "T", offset }), lease))
    );
    await promisesSettled();
    assertEquals(pipeline.started, ["T[0]@1"]);

    pipeline.settle("T[0]@1");
    await promisesSettled();
    assertEquals(pipeline.started, ["T[0]@1", "T[0]@2"]);

    pipeline.settle("T[0]@2");
    await promisesSettled();
    pipeline.settle("T[0]@3");
    await Promise.all(all);
    assertEquals(pipeline.started, ["T[0]@1", "T[0]@2", "T[0]@3"]);
  });

  Deno.test(`inOrder() by ${ordering} does not start an event, when its lease is ending at its turn and it may not begin`, async () => {
    const pipeline = new FakeDeliver();
    const deliver = inOrder(pipeline.deliver, ordering);
    const lease = new LeaseController();

    const running = deliver(new Delivery(anEvent({ topic: "T", offset: 1 }), lease));
    const queued = deliver(new Delivery(anEvent({ topic: "T", offset: 2 }), lease));
    const queuedBehind = deliver(new Delivery(anEvent({ topic: "T", offset: 3 }), lease));
    await promisesSettled();
    lease.beginEnd();
    pipeline.settle("T[0]@1");

    await running;
    await assertRejects(() => queued, EventNotSettledError, "ended before its turn");
    await assertRejects(() => queuedBehind, EventNotSettledError, "ended before its turn");
    assertEquals(pipeline.started, ["T[0]@1"]);
  });

  Deno.test(`inOrder() by ${ordering} starts an event at its turn, when its lease is ending and it may begin`, async () => {
    const pipeline = new FakeDeliver();
    const deliver = inOrder(pipeline.deliver, ordering);
    const partition = new OpenPartition();

    const [running, between, behind] = [1, 2, 4].map((offset) => deliver(partition.at(offset)));
    partition.begin(3);
    partition.lease.beginEnd();
    const turnedAway = assertRejects(() => behind!, EventNotSettledError, "ended before its turn");
    await promisesSettled();
    pipeline.settle("T[0]@1");
    await running;
    await promisesSettled();
    assertEquals(pipeline.started, ["T[0]@1", "T[0]@2"]);

    pipeline.settle("T[0]@2");
    await between;
    await turnedAway;
  });

  Deno.test(`inOrder() by ${ordering} leaves it to what comes next when an event starts, when its lease is suspended`, async () => {
    const pipeline = new FakeDeliver();
    const deliver = inOrder(pipeline.deliver, ordering);
    const partition = new OpenPartition();

    const [running, queued] = [1, 2].map((offset) => deliver(partition.at(offset)));
    partition.lease.suspend();
    await promisesSettled();
    pipeline.settle("T[0]@1");
    await running;
    await promisesSettled();
    assertEquals(pipeline.started, ["T[0]@1", "T[0]@2"]);

    pipeline.settle("T[0]@2");
    await queued;
  });

  Deno.test(`inOrder() by ${ordering} lets leases run side by side, when one of them hangs`, async () => {
    const pipeline = new FakeDeliver();
    const deliver = inOrder(pipeline.deliver, ordering);
    const hanging = new LeaseController();
    const other = new LeaseController();

    const stuck = deliver(new Delivery(anEvent({ topic: "T", partition: 0, offset: 1 }), hanging));
    const first = deliver(new Delivery(anEvent({ topic: "T", partition: 1, offset: 1 }), other));
    const second = deliver(new Delivery(anEvent({ topic: "T", partition: 1, offset: 2 }), other));
    await promisesSettled();
    assertEquals(pipeline.running, ["T[0]@1", "T[1]@1"]);
    pipeline.settle("T[1]@1");
    await first;
    await promisesSettled();
    pipeline.settle("T[1]@2");
    await second;

    assertEquals(pipeline.running, ["T[0]@1"]);
    pipeline.settle("T[0]@1");
    await stuck;
  });

  Deno.test(`inOrder() by ${ordering} does not wait for an earlier lease, whose outcome no longer counts`, async () => {
    const pipeline = new FakeDeliver();
    const deliver = inOrder(pipeline.deliver, ordering);
    const lost = new LeaseController();

    deliver(new Delivery(anEvent({ topic: "T", offset: 1 }), lost));
    lost.end();
    const again = deliver(new Delivery(anEvent({ topic: "T", offset: 1 }), new LeaseController()));
    await promisesSettled();
    assertEquals(pipeline.started, ["T[0]@1", "T[0]@1"]);

    pipeline.settle("T[0]@1");
    await again;
  });

  Deno.test(`inOrder() by ${ordering} passes a rejection on as it is, to its own event only`, async () => {
    const bug = new TypeError("a bug");
    const pipeline = new FakeDeliver();
    const deliver = inOrder(pipeline.deliver, ordering);
    const lease = new LeaseController();

    const first = deliver(new Delivery(anEvent({ topic: "T", offset: 1 }), lease));
    const second = deliver(new Delivery(anEvent({ topic: "T", offset: 2 }), lease));
    await promisesSettled();
    pipeline.reject("T[0]@1", bug);

    assertEquals(await first.catch((error) => error) === bug, true);
    await promisesSettled();
    pipeline.settle("T[0]@2");
    await second;
  });
}

Deno.test("inOrder() acknowledges an event when that event has settled, not earlier", async (t) => {
  for (const ordering of ["key", "partition", "none"] as const) {
    await t.step(ordering, async () => {
      const pipeline = new FakeDeliver();
      const deliver = inOrder(pipeline.deliver, ordering);
      let isSettled = false;
      const settled = deliver(
        new Delivery(anEvent({ topic: "T", offset: 1 }), new LeaseController()),
      )
        .then(() => isSettled = true);

      await promisesSettled();
      assertEquals(isSettled, false);

      pipeline.settle("T[0]@1");
      await settled;
    });
  }
});

Deno.test("inOrder() keeps every partition in order and to one event at a time, in whatever order calls end", async () => {
  const random = seededRandom(1);
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, "partition");
  const leases = Array.from({ length: 7 }, () => new LeaseController());
  const events = Array.from(
    { length: 500 },
    (_, offset) => anEvent({ topic: "T", partition: Math.floor(random() * 7), offset }),
  );
  const all = Promise.all(
    events.map((event) => deliver(new Delivery(event, leases[Number(event.origin.orderGroup)]!))),
  );

  for (let settled = 0; settled < events.length; settled++) {
    await promisesSettled();
    const { running } = pipeline;
    const keys = running.map((place) => place.slice(0, place.indexOf("@")));
    assertEquals(new Set(keys).size, keys.length, `two of a key at once: ${running}`);
    pipeline.settle(running[Math.floor(random() * running.length)] ?? "none runs");
  }
  await all;

  for (let partition = 0; partition < 7; partition++) {
    const ofPartition = (place: string) => place.startsWith(`T[${partition}]`);
    assertEquals(
      pipeline.started.filter(ofPartition),
      events.map(({ origin }) => `${origin}`).filter(ofPartition),
    );
  }
});
