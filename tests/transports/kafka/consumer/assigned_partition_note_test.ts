import { assertEquals } from "@std/assert";
import { parseNote, SuspectTurns } from "../../../../src/transports/kafka/consumer/poison_pill.ts";
import { assign, places } from "../../../support/kafka/assign.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { FakeRecords } from "../../../support/kafka/fetched_records.ts";

const PAST = { made: 2, counted: 2, crashes: 0, firstFailedAtMs: 1652708532000 };

Deno.test("AssignedPartition commits at once that work on its first event begins, wherever that is", async () => {
  const { assigned, pipeline, commits } = assign({ nextOffset: 5 });
  assigned.enqueue([FakeRecords.at(7, 8, 9)], 10);
  await promisesSettled();
  assertEquals(pipeline.started, places(7, 8, 9));
  assertEquals(commits, []);

  const { lease } = assigned;
  lease.begin(7);
  assertEquals(commits, [{ offset: 7, note: { isUnderWay: true } }]);
  lease.begin(8);
  lease.noteRetryPause(7);
  lease.begin(7);
  assertEquals(commits.length, 1, "regular commits follow");
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
  const note = () => parseNote(assigned.committable.note);
  assertEquals(note(), null);
  assigned.enqueue([FakeRecords.at(0, 1)], 2);
  await promisesSettled();
  assertEquals(note(), null, "0 waits");

  const { lease } = assigned;
  const [first, second] = pipeline.deliveries;
  first?.enter("calling");
  assertEquals(note(), { isUnderWay: true });
  first?.enter("backingOff");
  first?.noteAttempts(PAST);
  assertEquals(note(), { attempts: PAST, isUnderWay: false });
  first?.enter("calling");
  assertEquals(note(), { attempts: PAST, isUnderWay: true });
  lease.suspend();
  assertEquals(note(), { attempts: PAST, isUnderWay: false });
  lease.resume();
  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(note(), null, "1 waits");

  second?.enter("calling");
  assertEquals(note(), { isUnderWay: true });
  lease.beginEnd();
  assertEquals(note(), null);
});

Deno.test("AssignedPartition goes on noting what was tried before it had the partition", () => {
  const { assigned } = assign({ nextOffset: 5, past: PAST });
  assertEquals(parseNote(assigned.committable.note), { attempts: PAST, isUnderWay: false });
});

const SUSPECT = { ...PAST, crashes: 2 };

Deno.test("AssignedPartition delivers one by one after two crashes, no more than the look-ahead, each after a commit that blames it", async () => {
  const committed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { assigned, pipeline, commits } = assign({
    past: SUSPECT,
    maxLookahead: 20,
    commit: () => committed[commits.length - 1]?.promise ?? Promise.resolve(),
  });
  assigned.enqueue([FakeRecords.at(0, 10, 20, 30)], 40);
  for (const [index, offset] of [0, 10].entries()) {
    await promisesSettled();
    assertEquals(pipeline.running, []);
    assertEquals(commits[index]?.offset, offset);
    assertEquals(commits[index]?.note?.isUnderWay, true);
    committed[index]?.resolve();
    await promisesSettled();
    assertEquals(pipeline.running, places(offset));
    pipeline.settle(`T[0]@${offset}`);
  }
  await promisesSettled();
  assertEquals(pipeline.running, places(20, 30));
  assertEquals(commits.length, 2);
});

Deno.test("AssignedPartition delivers one suspect of all partitions at a time, and blames no other", async () => {
  const suspectTurns = new SuspectTurns();
  const [first, second] = [0, 1].map(() => {
    const partition = assign({ past: SUSPECT, suspectTurns });
    partition.assigned.enqueue([FakeRecords.at(0, 1)], 2);
    return partition;
  });
  await promisesSettled();
  assertEquals([first, second].map((each) => each?.pipeline.running), [places(0), []]);
  const note = () => parseNote(second!.assigned.committable.note);
  assertEquals(note(), { attempts: SUSPECT, isUnderWay: false });

  first!.pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(second!.pipeline.running, places(0));
  assertEquals(note()?.isUnderWay, true);
});

Deno.test("AssignedPartition does not let the suspects of others wait for a retry pause, and blames no event for a later call", async () => {
  const suspectTurns = new SuspectTurns();
  const [first, second] = [0, 1].map(() => {
    const partition = assign({ past: SUSPECT, suspectTurns });
    partition.assigned.enqueue([FakeRecords.at(0)], 1);
    return partition;
  });
  await promisesSettled();
  const { lease } = first!.assigned;
  lease.begin(0);
  lease.noteRetryPause(0);
  await promisesSettled();
  assertEquals(second!.pipeline.running, places(0));
  lease.begin(0);
  assertEquals(parseNote(first!.assigned.committable.note)?.isUnderWay, false);
});

Deno.test("AssignedPartition gives its turn away when it ends before", async () => {
  const suspectTurns = new SuspectTurns();
  const endTurn = await suspectTurns.take();
  const { assigned, pipeline, commits } = assign({ past: SUSPECT, suspectTurns });
  assigned.enqueue([FakeRecords.at(0)], 1);
  await promisesSettled();
  assigned.lease.end();
  endTurn();
  (await suspectTurns.take())();
  assertEquals([pipeline.started, commits], [[], []]);
});

Deno.test("AssignedPartition delivers as usual when the process has ended once", async () => {
  const { assigned, pipeline } = assign({ past: { ...PAST, crashes: 1 } });
  assigned.enqueue([FakeRecords.at(0, 1, 2)], 3);
  await promisesSettled();
  assertEquals(pipeline.running, places(0, 1, 2));
});
