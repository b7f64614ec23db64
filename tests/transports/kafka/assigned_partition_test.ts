import { assertEquals } from "@std/assert";
import type { KafkaMessage } from "kafkajs";
import { AssignedPartition } from "../../../src/transports/kafka/assigned_partition.ts";
import { everythingSettled } from "../../support/eventually.ts";

const MIB = 1024 * 1024;

const LIMITS: { bytesEach: number; most: number }[] = [
  { bytesEach: 0, most: 64 },
  { bytesEach: MIB, most: 4 },
  { bytesEach: 4 * MIB, most: 1 },
  { bytesEach: 100 * MIB, most: 1 },
];

for (const { bytesEach, most } of LIMITS) {
  Deno.test(`AssignedPartition gives out ${most} messages of ${bytesEach} bytes at most, and one more for each that is done`, () => {
    const assigned = new AssignedPartition(0, 100);
    assigned.enqueue(messages(100, 1000));
    assertEquals(takeAll(assigned, bytesEach).length, most);
    assertEquals(assigned.hasWaiting, true);

    assigned.remove(bytesEach);
    assertEquals(takeAll(assigned, bytesEach), [`${100 + most}`]);
  });
}

Deno.test("AssignedPartition gives out every message once, in order, however many wait", () => {
  const assigned = new AssignedPartition(0, 0);
  const offsets: string[] = [];
  for (let batch = 0; batch < 5; batch++) {
    assigned.enqueue(messages(batch * 700, 700));
    for (let taken = takeAll(assigned, 1); taken.length > 0; taken = takeAll(assigned, 1)) {
      offsets.push(...taken);
      for (const _ of taken) assigned.remove(1);
    }
    assertEquals(assigned.hasWaiting, false);
  }
  assertEquals(offsets, Array.from({ length: 3500 }, (_, offset) => `${offset}`));
});

Deno.test("AssignedPartition gives out nothing more, when it is being given up", () => {
  const assigned = new AssignedPartition(0, 0);
  assigned.enqueue(messages(0, 1));
  assigned.lease.beginEnd();
  assertEquals(assigned.dequeue(), undefined);
});

Deno.test("AssignedPartition commits nothing that only waits", () => {
  const assigned = new AssignedPartition(0, 100);
  assigned.enqueue(messages(100, 2));
  assertEquals(assigned.tracker.committable, 100);
});

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
  assigned.enqueue(messages(100, 1));
  assigned.add(1);
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
  for (let events = 0; events < 2; events++) assigned.add(1);
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
  assigned.add(1);
  const first = assigned.idle();
  assigned.remove(1);
  await first;

  assigned.add(1);
  let isIdle = false;
  const second = assigned.idle().then(() => isIdle = true);
  await everythingSettled();
  assertEquals(isIdle, false);

  assigned.remove(1);
  await second;
});

function messages(firstOffset: number, count: number): KafkaMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    key: null,
    value: null,
    timestamp: "0",
    attributes: 0,
    offset: `${firstOffset + index}`,
    headers: {},
  }));
}

/** Takes what there is room for and hands it to an imagined pipeline; gives the offsets. */
function takeAll(assigned: AssignedPartition, bytesEach: number): string[] {
  const offsets: string[] = [];
  for (let message = assigned.dequeue(); message; message = assigned.dequeue()) {
    assigned.add(bytesEach);
    offsets.push(message.offset);
  }
  return offsets;
}
