import { assertEquals } from "@std/assert";
import { parseNote } from "../../../../src/transports/kafka/consumer/attempts_note.ts";
import { SuspectTurns } from "../../../../src/transports/kafka/consumer/suspects.ts";
import { assign, places } from "../../../support/kafka/assign.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { FakeTimers } from "../../../support/fakes/timers.ts";
import { FakeRecords } from "../../../support/kafka/fetched_records.ts";

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
  assigned.enqueue([FakeRecords.at(0, 1, 2)], 3);
  await promisesSettled();
  assertEquals(note(), { isUnderWay: true }, "it was announced, and may only wait for a slot");

  const { lease } = assigned;
  lease.begin(0);
  lease.rest(0);
  lease.noteAttempts(0, PAST);
  assertEquals(note(), { attempts: PAST, isUnderWay: false });
  lease.begin(0);
  assertEquals(note(), { attempts: PAST, isUnderWay: true });
  lease.suspend();
  assertEquals(note(), { attempts: PAST, isUnderWay: false });
  lease.resume();
  lease.finish(0);
  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(note(), null, "1 waits");

  lease.begin(1);
  assertEquals(note(), { isUnderWay: true });
  lease.finish(1);
  pipeline.settle("T[0]@1");
  await promisesSettled();
  assertEquals(note(), null, "2 waits");
});

Deno.test("AssignedPartition.note takes an announcement back when its lease is ending", async () => {
  const { assigned } = assign({ announce: () => new Promise(() => {}) });
  assigned.enqueue([FakeRecords.at(0)], 1);
  await promisesSettled();
  assertEquals(parseNote(assigned.note), { isUnderWay: true });
  assigned.lease.beginEnd();
  assertEquals(parseNote(assigned.note), null);
});

Deno.test("AssignedPartition goes on noting what was tried before it had the partition", () => {
  const { assigned } = assign({ nextOffset: 5, past: PAST });
  assertEquals(parseNote(assigned.note), { attempts: PAST, isUnderWay: false });
});

const SUSPICIOUS = { ...PAST, crashes: 2 };

Deno.test("AssignedPartition looks for the event that ends the process: one after the other, each announced", async () => {
  const { assigned, pipeline, announcements } = assign({ past: SUSPICIOUS, maxLookahead: 3 });
  assigned.enqueue([FakeRecords.at(0, 10, 20, 30, 40)], 50);
  for (const offset of [0, 10]) {
    await promisesSettled();
    assertEquals(pipeline.running, places(offset));
    assertEquals(announcements.at(-1)?.offset, offset);
    assertEquals(announcements.at(-1)?.note?.isUnderWay, true);
    pipeline.settle(`T[0]@${offset}`);
  }
  await promisesSettled();
  assertEquals(pipeline.running, places(20, 30, 40), "no more than the look-ahead is suspect");
  assertEquals(announcements.map(({ offset }) => offset), [0, 10, 20]);
  pipeline.settle("T[0]@20");
  await promisesSettled();
});

Deno.test("AssignedPartition has one suspect at a time, of all partitions", async () => {
  const suspectTurns = new SuspectTurns();
  const [first, second] = [0, 1].map(() => {
    const partition = assign({ past: SUSPICIOUS, suspectTurns });
    partition.assigned.enqueue([FakeRecords.at(0)], 1);
    return partition;
  });
  await promisesSettled();
  assertEquals([first, second].map((each) => each?.pipeline.running), [places(0), []]);
  assertEquals(parseNote(second!.assigned.note), { attempts: SUSPICIOUS, isUnderWay: false });

  first!.pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(second!.pipeline.running, places(0));
  second!.pipeline.settle("T[0]@0");
});

Deno.test("AssignedPartition gives its turn away when it ends before", async () => {
  const suspectTurns = new SuspectTurns();
  const endTurn = await suspectTurns.take();
  const { assigned, pipeline } = assign({ past: SUSPICIOUS, suspectTurns });
  assigned.enqueue([FakeRecords.at(0)], 1);
  assigned.lease.end();
  endTurn();
  (await suspectTurns.take())();
  assertEquals(pipeline.started, []);
});

Deno.test("AssignedPartition waits no longer for a suspect than for what ends the process", async () => {
  using timers = new FakeTimers();
  const suspectTurns = new SuspectTurns();
  await suspectTurns.take();
  const { assigned, pipeline } = assign({ past: SUSPICIOUS, suspectTurns });
  assigned.enqueue([FakeRecords.at(0)], 1);
  await promisesSettled();
  assertEquals([pipeline.running, timers.delaysMs], [[], [10_000]]);
  timers.fire(0);
  await promisesSettled();
  assertEquals(pipeline.running, places(0));
});

Deno.test("AssignedPartition does not look for anybody when the process has ended once", async () => {
  const { assigned, pipeline } = assign({ past: { ...PAST, crashes: 1 } });
  assigned.enqueue([FakeRecords.at(0, 1, 2)], 3);
  await promisesSettled();
  assertEquals(pipeline.running, places(0, 1, 2));
});
