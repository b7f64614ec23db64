import { assertEquals } from "@std/assert";
import { parseNote } from "../../../src/transports/kafka/attempts_note.ts";
import { assign, places } from "../../support/assign.ts";
import { promisesSettled } from "../../support/eventually.ts";
import { FakeRecords } from "../../support/fetched_records.ts";

const PAST = { made: 2, counted: 2, crashes: 0, firstFailedAtMs: 1652708532000 };

Deno.test("AssignedPartition delivers its first event when the group has been told of it, and the others then", async () => {
  const announced = Promise.withResolvers<void>();
  const { assigned, pipeline, announcements } = assign({
    nextOffset: 5,
    announce: () => announced.promise,
  });
  assigned.enqueue([FakeRecords.at(7, 8, 9)], 10);
  await promisesSettled();
  assertEquals(pipeline.started, []);
  assertEquals(announcements, [{ offset: 7, note: { isUnderWay: true } }]);

  announced.resolve();
  await promisesSettled();
  assertEquals(pipeline.started, places(7, 8, 9));
});

Deno.test("AssignedPartition delivers nothing after its end, though the group has been told of it", async () => {
  const announced = Promise.withResolvers<void>();
  const { assigned, pipeline } = assign({ announce: () => announced.promise });
  assigned.enqueue([FakeRecords.at(0)], 1);
  await promisesSettled();
  assigned.lease.beginEnd();
  await assigned.idle();
  announced.resolve();
  await promisesSettled();
  assertEquals(pipeline.started, []);
  assertEquals(assigned.tracker.committable, 0);
});

Deno.test("AssignedPartition hands over what was tried before with the event at its first offset, and with no other", async (t) => {
  for (const first of [5, 6]) {
    await t.step(`the first event is at ${first}`, async () => {
      const { assigned, pipeline } = assign({ nextOffset: 5, past: PAST });
      assigned.enqueue([FakeRecords.at(first, 8, 9)], 10);
      await promisesSettled();
      assertEquals(
        pipeline.events.map(({ past }) => past),
        [first === 5 ? PAST : undefined, undefined, undefined],
      );
    });
  }
});

Deno.test("AssignedPartition.note says of the lowest event whether it is worked on, and what was tried", async () => {
  const { assigned, pipeline } = assign();
  const note = () => parseNote(assigned.note);
  assertEquals(note(), null);
  assigned.enqueue([FakeRecords.at(0, 1)], 2);
  await promisesSettled();
  assertEquals(note(), null);

  const { lease } = assigned;
  lease.begin(0);
  assertEquals(note(), { isUnderWay: true });
  lease.rest(0);
  lease.noteAttempts(0, PAST);
  assertEquals(note(), { attempts: PAST, isUnderWay: false });
  lease.begin(0);
  assertEquals(note(), { attempts: PAST, isUnderWay: true });
  lease.suspend();
  assertEquals(note(), { attempts: PAST, isUnderWay: false });

  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(note(), null);
});

Deno.test("AssignedPartition goes on noting what was tried before it had the partition", () => {
  const { assigned } = assign({ nextOffset: 5, past: PAST });
  assertEquals(parseNote(assigned.note), { attempts: PAST, isUnderWay: false });
});

Deno.test("AssignedPartition looks for the event that ends the process: one after the other, each announced", async () => {
  const { assigned, pipeline, announcements } = assign({
    past: { ...PAST, crashes: 2 },
    maxLookahead: 3,
  });
  assigned.enqueue([FakeRecords.at(0, 1, 2, 3, 4)], 5);
  for (let offset = 0; offset < 2; offset++) {
    await promisesSettled();
    assertEquals(pipeline.running, places(offset));
    assertEquals(announcements.at(-1)?.offset, offset);
    pipeline.settle(`T[0]@${offset}`);
  }
  await promisesSettled();
  assertEquals(pipeline.running, places(2, 3, 4));
  assertEquals(announcements.length, 3);
});

Deno.test("AssignedPartition does not look for anybody when the process has ended once", async () => {
  const { assigned, pipeline } = assign({ past: { ...PAST, crashes: 1 } });
  assigned.enqueue([FakeRecords.at(0, 1, 2)], 3);
  await promisesSettled();
  assertEquals(pipeline.running, places(0, 1, 2));
});
