import { assertEquals } from "@std/assert";
import { AssignedPartition } from "../../../src/transports/kafka/assigned_partition.ts";
import { everythingSettled } from "../../support/eventually.ts";

const MIB = 1024 * 1024;

const AMOUNTS: { events: number; bytesEach: number; isFull: boolean; hasRoom: boolean }[] = [
  { events: 0, bytesEach: 0, isFull: false, hasRoom: true },
  { events: 499, bytesEach: 1, isFull: false, hasRoom: true },
  { events: 500, bytesEach: 1, isFull: false, hasRoom: false },
  { events: 999, bytesEach: 1, isFull: false, hasRoom: false },
  { events: 1000, bytesEach: 0, isFull: true, hasRoom: false },
  { events: 1, bytesEach: 4 * MIB - 1, isFull: false, hasRoom: true },
  { events: 1, bytesEach: 4 * MIB, isFull: false, hasRoom: false },
  { events: 1, bytesEach: 8 * MIB - 1, isFull: false, hasRoom: false },
  { events: 1, bytesEach: 8 * MIB, isFull: true, hasRoom: false },
  { events: 2, bytesEach: 4 * MIB, isFull: true, hasRoom: false },
];

for (const { events, bytesEach, isFull, hasRoom } of AMOUNTS) {
  const state = isFull ? "is full" : hasRoom ? "has room" : "is neither full nor has it room";
  Deno.test(`AssignedPartition ${state}, when it holds ${events} events of ${bytesEach} bytes`, () => {
    const assigned = new AssignedPartition(0, 100);
    for (let offset = 100; offset < 100 + events; offset++) assigned.add(offset, bytesEach);
    assertEquals({ isFull: assigned.isFull, hasRoom: assigned.hasRoom }, { isFull, hasRoom });

    for (let removed = 0; removed < events; removed++) assigned.remove(bytesEach);
    assertEquals({ isFull: assigned.isFull, hasRoom: assigned.hasRoom }, {
      isFull: false,
      hasRoom: true,
    });
  });
}

Deno.test("AssignedPartition has committed what lies before its first offset", () => {
  const { partition, committed, tracker } = new AssignedPartition(3, 100);
  assertEquals({ partition, committed, committable: tracker.committable }, {
    partition: 3,
    committed: 100,
    committable: 100,
  });
});

Deno.test("AssignedPartition.remove() does not settle: what was only given up is not committed", () => {
  const assigned = new AssignedPartition(0, 100);
  assigned.add(100, 1);
  assigned.remove(1);
  assertEquals(assigned.tracker.committable, 100);
  assigned.tracker.finish(100);
  assertEquals(assigned.tracker.committable, 101);
});

Deno.test("AssignedPartition.resumeFetching() resumes once what was paused", () => {
  const assigned = new AssignedPartition(0, 100);
  let resumed = 0;
  assigned.resumeFetching();
  assigned.resume = () => resumed++;
  assigned.resumeFetching();
  assigned.resumeFetching();
  assertEquals({ resumed, resume: assigned.resume }, { resumed: 1, resume: null });
});

Deno.test("AssignedPartition.idle() resolves at once, when it holds no event", async () => {
  await new AssignedPartition(0, 100).idle();
});

Deno.test("AssignedPartition.idle() resolves for all who wait when the last event is gone, not earlier", async () => {
  const assigned = new AssignedPartition(0, 100);
  for (const offset of [100, 101]) assigned.add(offset, 1);
  let idle = 0;
  const waiting = [1, 2].map(() => assigned.idle().then(() => idle++));

  assigned.remove(1);
  await everythingSettled();
  assertEquals(idle, 0);

  assigned.remove(1);
  await Promise.all(waiting);
});

Deno.test("AssignedPartition.idle() waits anew, when events came after it was idle", async () => {
  const assigned = new AssignedPartition(0, 100);
  assigned.add(100, 1);
  const first = assigned.idle();
  assigned.remove(1);
  await first;

  assigned.add(101, 1);
  let isIdle = false;
  const second = assigned.idle().then(() => isIdle = true);
  await everythingSettled();
  assertEquals(isIdle, false);

  assigned.remove(1);
  await second;
});
