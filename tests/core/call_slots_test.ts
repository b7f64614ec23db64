import { assert, assertEquals, assertRejects } from "@std/assert";
import { CallSlots } from "../../src/core/call_slots.ts";
import { Delivery } from "../../src/core/delivery.ts";
import { LeaseController } from "../../src/core/lease.ts";
import { EventNotSettledError } from "../../src/core/listener.ts";
import { Calls } from "../support/fakes/calls.ts";
import { anEvent } from "../support/events.ts";
import { OpenPartition } from "../support/kafka/open_partition.ts";
import { promisesSettled } from "../support/eventually.ts";
import { seededRandom } from "../support/seeded_random.ts";

Deno.test("CallSlots lets as many calls start as there are slots, and one more for each that comes back", async () => {
  const calls = new Calls({ concurrency: 3, leases: "a" });
  await calls.want("a", 5);
  assertEquals(calls.running("a"), 3);

  await calls.end("a");
  assertEquals({ running: calls.running("a"), started: calls.started.length }, {
    running: 3,
    started: 4,
  });

  await calls.end("a", { wasAnswered: false });
  assertEquals({ running: calls.running("a"), started: calls.started.length }, {
    running: 3,
    started: 5,
  });
});

Deno.test("CallSlots lets a single lease have all slots, answered or not", async () => {
  const calls = new Calls({ concurrency: 32, leases: "a" });
  await calls.want("a", 100);
  assertEquals(calls.running("a"), 32);

  for (let call = 0; call < 32; call++) await calls.end("a", { wasAnswered: false });
  assertEquals(calls.running("a"), 32);
});

Deno.test("CallSlots gives nothing to a lease that is suspended, and goes on when it is resumed", async () => {
  const calls = new Calls({ concurrency: 2, leases: "ab" });
  calls.lease("a").suspend();
  await calls.want("a", 2);
  await calls.want("b", 2);
  assertEquals(calls.started, ["b"]);
  await calls.end("b");
  await calls.end("b");
  assertEquals(calls.started, ["b", "b"]);

  calls.lease("a").resume();
  await promisesSettled();
  assertEquals(calls.started, ["b", "b", "a"]);
});

Deno.test("CallSlots gives slots to what may begin in a suspended lease, and to nothing behind it", async () => {
  const slots = new CallSlots(3);
  const partition = new OpenPartition();
  const started: number[] = [];
  const take = (offset: number) =>
    slots.take(partition.at(offset)).then(() => void started.push(offset));
  for (const offset of [7, 4, 9, 2]) void take(offset);
  await promisesSettled();
  assertEquals(started, [7, 4, 9], "those who asked first");

  partition.lease.suspend();
  for (const offset of [8, 10]) void take(offset);
  for (const offset of [7, 4, 9]) slots.giveBack(partition.at(offset), { wasAnswered: true });
  await promisesSettled();
  assertEquals(started, [7, 4, 9, 2, 8]);

  partition.lease.resume();
  await promisesSettled();
  assertEquals(started, [7, 4, 9, 2, 8, 10]);
});

Deno.test("CallSlots has work begin with the slot, so that a lease that is suspended then knows of it", () => {
  const slots = new CallSlots(1);
  const partition = new OpenPartition();
  void slots.take(partition.at(7));
  void slots.take(partition.at(8));
  assertEquals([7, 8].map((offset) => partition.at(offset).state), ["calling", "queued"]);
});

Deno.test("CallSlots turns away who waits behind a call that has failed, when the lease is ending", async () => {
  const slots = new CallSlots(1);
  const partition = new OpenPartition();
  const outcomes: string[] = [];
  const take = (offset: number) =>
    slots.take(partition.at(offset)).then(
      () => outcomes.push(`${offset} started`),
      () => outcomes.push(`${offset} turned away`),
    );
  take(6);
  await promisesSettled();
  for (const offset of [3, 4, 5, 7]) take(offset);
  partition.lease.beginEnd();
  await promisesSettled();
  assertEquals(outcomes.splice(0), ["6 started", "7 turned away"]);

  slots.giveBack(partition.at(6), { wasAnswered: true });
  await promisesSettled();
  assertEquals(outcomes.splice(0), ["3 started"]);

  partition.at(3).enter("backingOff");
  await promisesSettled();
  assertEquals(outcomes, ["4 turned away", "5 turned away"]);
});

Deno.test("CallSlots turns away all who wait, when their lease is ending, and nobody else", async () => {
  const calls = new Calls({ concurrency: 1, leases: "ab" });
  await calls.want("b", 2);
  await calls.want("a", 3);
  assertEquals(calls.started, ["b"]);

  calls.lease("a").beginEnd();
  await promisesSettled();
  assertEquals({ turnedAway: calls.turnedAway, started: calls.started }, {
    turnedAway: ["a", "a", "a"],
    started: ["b"],
  });

  await calls.end("b");
  assertEquals(calls.started, ["b", "b"]);
});

Deno.test("CallSlots.take() rejects, when the lease was ending before", async () => {
  for (const end of ["beginEnd", "end"] as const) {
    const slots = new CallSlots(1);
    const lease = new LeaseController();
    lease[end]();
    await assertRejects(
      () => slots.take(new Delivery(anEvent(), lease)),
      EventNotSettledError,
      "ended before its turn",
    );
    await slots.take(new Delivery(anEvent(), new LeaseController()));
  }
});

Deno.test("CallSlots has the slots of a lease that ended back when its calls have come to an end, not earlier", async () => {
  const calls = new Calls({ concurrency: 2, leases: "ab" });
  await calls.prove("ab");
  await calls.want("a", 1);
  await calls.want("b", 2);
  assertEquals(calls.shares(), { a: 1, b: 1 });

  calls.lease("a").end();
  await promisesSettled();
  assertEquals(calls.shares(), { a: 1, b: 1 });

  calls.lease("b").leaseCount = 1;
  await calls.end("a", { wasAnswered: false });
  assertEquals(calls.shares(), { a: 0, b: 2 });
});

Deno.test("CallSlots never has more calls in flight than slots and loses none, whatever happens", async () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const concurrency = 1 + below(10);
    const leases = "abcdef".slice(0, 1 + below(6));
    const calls = new Calls({ concurrency, leases });
    const someLease = () => leases[below(leases.length)] ?? "a";
    let wanted = 0;
    for (let step = 0; step < 50; step++) {
      const lease = someLease();
      const choice = random();
      if (choice < 0.4) {
        const count = 1 + below(4);
        wanted += count;
        await calls.want(lease, count);
      } else if (choice < 0.8) {
        await calls.end(lease, { wasAnswered: random() < 0.7 });
      } else if (choice < 0.88) calls.lease(lease).suspend();
      else if (choice < 0.96) calls.lease(lease).resume();
      else if (choice < 0.98) calls.lease(lease).beginEnd();
      else calls.lease(lease).end();
      const inFlight = [...leases].reduce((sum, lease) => sum + calls.running(lease), 0);
      assert(inFlight <= concurrency, `${inFlight} of ${concurrency}, seed ${seed}`);
    }
    for (const lease of leases) calls.lease(lease).resume();
    for (let round = 0; round <= wanted; round++) {
      for (const lease of leases) await calls.end(lease);
    }
    assertEquals(calls.started.length + calls.turnedAway.length, wanted, `seed ${seed}`);
  }
});
