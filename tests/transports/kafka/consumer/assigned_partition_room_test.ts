import { assertEquals } from "@std/assert";
import { EventNotSettledError } from "../../../../src/core/listener.ts";
import { assign, places } from "../../../support/kafka/assign.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { aRecord, FakeRecords } from "../../../support/kafka/fetched_records.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

Deno.test("AssignedPartition delivers as many events as its look-ahead allows, and one more for each that settles", async () => {
  const { assigned, pipeline } = assign({ maxLookahead: 3 });
  assigned.enqueue([FakeRecords.at(0, 1, 2, 3), FakeRecords.at(4, 5, 6)], 7);
  await promisesSettled();
  assertEquals(pipeline.started, places(0, 1, 2));

  for (let offset = 0; offset < 4; offset++) {
    pipeline.settle(`T[0]@${offset}`);
    await promisesSettled();
    assertEquals(pipeline.started.at(-1), `T[0]@${offset + 3}`);
  }
});

Deno.test("AssignedPartition counts what has settled behind an event that has not into its look-ahead", async () => {
  const { assigned, pipeline } = assign({ maxLookahead: 3 });
  assigned.enqueue([FakeRecords.at(0, 10, 20, 30, 40, 50)], 60);
  await promisesSettled();
  for (const place of places(10, 20)) pipeline.settle(place);
  await promisesSettled();
  assertEquals(pipeline.started, places(0, 10, 20));

  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(pipeline.started, places(0, 10, 20, 30, 40, 50));
});

Deno.test("AssignedPartition delivers no more bytes than half of its part of the buffer, and one event at least", async (t) => {
  const cases = [
    { what: "small events", bytesEach: 1 * KIB, leaseCount: 1, count: 32 },
    {
      what: "small events, beside another partition",
      bytesEach: 1 * KIB,
      leaseCount: 2,
      count: 16,
    },
    { what: "one that passes the limit", bytesEach: 20 * KIB, leaseCount: 1, count: 2 },
    { what: "as large as allowed", bytesEach: 32 * KIB, leaseCount: 1, count: 1 },
    { what: "larger than all that is allowed", bytesEach: 100 * KIB, leaseCount: 7, count: 1 },
  ];
  for (const { what, bytesEach, leaseCount, count } of cases) {
    await t.step(what, async () => {
      const { assigned, pipeline } = assign({ maxBufferedBytes: 64 * KIB, concurrency: 1000 });
      assigned.lease.leaseCount = leaseCount;
      const value = new Uint8Array(bytesEach - 20);
      const records = Array.from({ length: 100 }, (_, offset) =>
        aRecord(offset, {
          key: new Uint8Array(10),
          value,
          headers: [["name", new Uint8Array(6)]],
        }));
      assigned.enqueue([new FakeRecords(records, { lastOffset: 99 })], 100);
      await promisesSettled();
      assertEquals(pipeline.running.length, count);

      for (let settled = 0; settled < 100; settled++) {
        pipeline.settle(pipeline.running.at(-1) ?? "none runs");
        await promisesSettled();
        assertEquals(pipeline.running.length, Math.min(count, 99 - settled), `after ${settled}`);
      }
    });
  }
});

Deno.test("AssignedPartition delivers two events ahead, when no call can be made", async () => {
  const { assigned, pipeline } = assign({ concurrency: 100 });
  pipeline.onDelivery = (delivery) => delivery.enter("queued");
  assigned.enqueue([FakeRecords.at(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)], 10);
  await promisesSettled();
  assertEquals(pipeline.started.length, 2);

  pipeline.deliveries[0]?.enter("calling");
  await promisesSettled();
  assertEquals(pipeline.started.length, 3);

  for (const delivery of pipeline.deliveries) delivery.enter("calling");
  await promisesSettled();
  assertEquals(pipeline.started.length, 5);
});

Deno.test("AssignedPartition leaves batches as they were fetched until there is room for their events", async () => {
  const { assigned, pipeline } = assign({ maxLookahead: 2 });
  const first = FakeRecords.at(0, 1, 2);
  const second = FakeRecords.at(3);
  assigned.enqueue([first, second], 4);
  await promisesSettled();
  assertEquals([first.isOpened, second.isOpened], [true, false]);

  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals([first.isOpened, second.isOpened], [true, false]);

  pipeline.settle("T[0]@1");
  await promisesSettled();
  assertEquals([first.isOpened, second.isOpened], [true, true]);
});

Deno.test("AssignedPartition wants more until as much waits as may", async (t) => {
  const cases = [
    { what: "256 KiB", maxBufferedBytes: 64 * MIB, leaseCount: 1, limit: 256 * KIB },
    {
      what: "half of its part of the buffer",
      maxBufferedBytes: 2 * MIB,
      leaseCount: 8,
      limit: 128 * KIB,
    },
  ];
  for (const { what, maxBufferedBytes, leaseCount, limit } of cases) {
    await t.step(what, async () => {
      const { assigned, pipeline } = assign({ maxBufferedBytes, maxLookahead: 1 });
      assigned.lease.leaseCount = leaseCount;
      const fetch = (offset: number, sizeInBytes: number) => {
        const records = new FakeRecords([aRecord(offset)], { lastOffset: offset, sizeInBytes });
        assigned.enqueue([records], offset + 1);
      };
      fetch(0, 100 * MIB);
      await promisesSettled();
      assertEquals(assigned.wantsMore, true, "what is opened does not wait");

      fetch(1, limit - 1);
      await promisesSettled();
      assertEquals(assigned.wantsMore, true);

      fetch(2, 1);
      await promisesSettled();
      assertEquals(assigned.wantsMore, false);

      pipeline.settle("T[0]@0");
      await promisesSettled();
      assertEquals(assigned.wantsMore, true);
    });
  }
});

Deno.test("AssignedPartition tells when it comes to want more: once, not for each event or batch", async () => {
  const world = assign({ maxLookahead: 1 });
  const { assigned, pipeline } = world;
  const batches = Array.from(
    { length: 10 },
    (_, batch) =>
      new FakeRecords([aRecord(2 * batch), aRecord(2 * batch + 1)], {
        lastOffset: 2 * batch + 1,
        sizeInBytes: 64 * KIB,
      }),
  );
  assigned.enqueue(batches, 20);
  await promisesSettled();

  for (let offset = 0; offset < 20; offset++) {
    assertEquals(world.timesWanted, assigned.wantsMore ? 1 : 0, `before ${offset} has settled`);
    pipeline.settle(`T[0]@${offset}`);
    await promisesSettled();
  }
  assertEquals(world.timesWanted, 1);
});

Deno.test("AssignedPartition tells nothing while it has wanted more all along", async () => {
  const world = assign();
  world.assigned.enqueue([FakeRecords.at(0, 1), FakeRecords.at(2)], 3);
  await promisesSettled();
  for (const place of places(0, 1, 2)) world.pipeline.settle(place);
  await promisesSettled();
  assertEquals(world.timesWanted, 0);
});

Deno.test("AssignedPartition does not count what it leaves out as waiting", async () => {
  const { assigned } = assign({ nextOffset: 5, maxLookahead: 1 });
  assigned.enqueue([new FakeRecords([], { lastOffset: 4, sizeInBytes: 100 * MIB })], 5);
  await promisesSettled();
  assertEquals(assigned.wantsMore, true);
});

Deno.test("AssignedPartition wants more in doubt, whatever waits: the next fetch ends the doubt", async () => {
  const { assigned } = assign({ maxLookahead: 1 });
  for (const offset of [0, 1]) {
    const records = new FakeRecords([aRecord(offset)], {
      lastOffset: offset,
      sizeInBytes: 100 * MIB,
    });
    assigned.enqueue([records], offset + 1);
  }
  await promisesSettled();
  assertEquals(assigned.wantsMore, false);

  assigned.ownership.unconfirm();
  assertEquals(assigned.wantsMore, true);
});

Deno.test("AssignedPartition frees a large record when its event has settled, and only gives back its room when it is given up", async () => {
  const { assigned, pipeline } = assign({ maxLookahead: 3 });
  const released: number[] = [];
  const large = (offset: number) => {
    const held = { granted: Promise.resolve(), release: () => void released.push(offset) };
    return aRecord(offset, { value: new Uint8Array(KIB), held });
  };
  const small = aRecord(2, { value: new Uint8Array(KIB) });
  assigned.enqueue([new FakeRecords([large(0), large(1), small], { lastOffset: 2 })], 3);
  await promisesSettled();
  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(pipeline.started, places(0, 1, 2));
  // What was given up may still be on its way to where it is stored.
  pipeline.reject("T[0]@1", new EventNotSettledError("given up"));
  pipeline.settle("T[0]@2");
  await promisesSettled();
  assertEquals(released, [0, 1]);
  assertEquals(pipeline.events.map(({ value }) => value?.length), [0, KIB, KIB]);
});
