import { assertEquals } from "@std/assert";
import { PartitionLease } from "../../../../src/transports/kafka/consumer/partition_lease.ts";

Deno.test("PartitionLease is open until it is suspended, and again when it is resumed", () => {
  const lease = new PartitionLease();
  assertEquals(lease.isOpen, true);
  lease.suspend();
  assertEquals(lease.isOpen, false);
  lease.resume();
  assertEquals(lease.isOpen, true);
});

Deno.test("PartitionLease does not end anything by being suspended", () => {
  const lease = new PartitionLease();
  lease.suspend();
  assertEquals([lease.ending.aborted, lease.ended.aborted], [false, false]);
});

Deno.test("PartitionLease never opens again, when it is ending", async (t) => {
  const ways: Record<string, (lease: PartitionLease) => void> = {
    "before it is suspended": (lease) => {
      lease.beginEnd();
      lease.suspend();
      lease.resume();
    },
    "while it is suspended": (lease) => {
      lease.suspend();
      lease.beginEnd();
      lease.resume();
    },
    "at once": (lease) => lease.end(),
  };
  for (const [when, end] of Object.entries(ways)) {
    await t.step(when, () => {
      const lease = new PartitionLease();
      end(lease);
      assertEquals(lease.isOpen, false);
    });
  }
});

Deno.test("PartitionLease tells everybody who asked whenever other events may be admitted", () => {
  const lease = new PartitionLease();
  const told: string[] = [];
  const state = () =>
    lease.ended.aborted
      ? "ended"
      : lease.ending.aborted
      ? "ending"
      : lease.isOpen
      ? "open"
      : "suspended";
  lease.onChange(() => told.push(`first: ${state()}`));
  lease.onChange(() => told.push(`second: ${state()}`));

  lease.resume();
  assertEquals(told, [], "it was open");

  lease.suspend();
  assertEquals(told.splice(0), ["first: suspended", "second: suspended"]);

  lease.resume();
  lease.resume();
  assertEquals(told.splice(0), ["first: open", "second: open"]);

  lease.beginEnd();
  lease.beginEnd();
  assertEquals(told.splice(0), ["first: ending", "second: ending"]);

  lease.end();
  lease.end();
  assertEquals(told, ["first: ended", "second: ended"]);
});

Deno.test("PartitionLease tells of work that rests, when that shortens what is brought to an end", () => {
  const lease = new PartitionLease();
  for (const offset of [1, 5, 6]) lease.begin(offset);
  const ends: number[] = [];
  lease.onChange(() => ends.push(lease.drainEnd));
  lease.noteRetryPause(6);
  assertEquals(ends, [], "it is open");

  lease.suspend();
  lease.noteRetryPause(5);
  lease.noteRetryPause(1);
  assertEquals(ends, [6, 5, 1]);
});

Deno.test("PartitionLease admits every event while it is open, and none before the first has begun otherwise", () => {
  const lease = new PartitionLease();
  assertEquals(lease.admits(5), true);
  lease.suspend();
  assertEquals(lease.admits(5), false);
  lease.resume();
  assertEquals(lease.admits(5), true);
  lease.beginEnd();
  assertEquals(lease.admits(5), false);
});

Deno.test("PartitionLease admits what lies between events that have begun, until it has ended", async (t) => {
  for (const close of ["suspend", "beginEnd"] as const) {
    await t.step(close, () => {
      const lease = new PartitionLease();
      for (const offset of [7, 3]) lease.begin(offset);
      lease.finish(3);
      lease[close]();
      assertEquals([1, 5, 7, 8].map((offset) => lease.admits(offset)), [true, true, true, false]);

      lease.end();
      assertEquals([1, 5, 7, 8].map((offset) => lease.admits(offset)), Array(4).fill(false));
    });
  }
});

Deno.test("PartitionLease admits nothing from an event on that rests, when it is not open", () => {
  const lease = new PartitionLease();
  for (const offset of [1, 5, 9]) lease.begin(offset);
  lease.noteRetryPause(5);
  assertEquals(lease.admits(9), true, "it is open");

  lease.suspend();
  assertEquals([1, 4, 5, 8].map((offset) => lease.admits(offset)), [true, true, false, false]);

  lease.resume();
  lease.begin(5);
  lease.suspend();
  assertEquals([1, 4, 5, 8].map((offset) => lease.admits(offset)), Array(4).fill(true));
});

Deno.test("PartitionLease works from the first event that begins until the last one is done or rests", () => {
  const lease = new PartitionLease();
  const states = [lease.isWorking];
  lease.begin(1);
  lease.begin(2);
  states.push(lease.isWorking);
  lease.finish(1);
  states.push(lease.isWorking);
  lease.noteRetryPause(2);
  states.push(lease.isWorking);
  lease.begin(2);
  states.push(lease.isWorking);
  lease.finish(2);
  states.push(lease.isWorking);
  assertEquals(states, [false, true, true, false, true, false]);
});

Deno.test("PartitionLease tells when fewer events wait for a slot, and not when more do", () => {
  const lease = new PartitionLease();
  const told: number[] = [];
  lease.onQueueShrank(() => told.push(lease.queued));
  for (let more = 0; more < 3; more++) lease.noteQueued();
  lease.noteUnqueued();
  lease.noteQueued();
  lease.noteUnqueued();
  assertEquals(told, [2, 2]);
});

Deno.test("PartitionLease knows what was tried for an event until it is done", () => {
  const lease = new PartitionLease();
  const attempts = { made: 1, counted: 1, crashes: 0, firstFailedAtMs: 0 };
  lease.noteAttempts(5, attempts);
  lease.noteAttempts(6, attempts);
  lease.begin(5);
  assertEquals([lease.attemptsOf(5), lease.attemptsOf(7)], [attempts, undefined]);
  lease.finish(5);
  assertEquals([lease.attemptsOf(5), lease.attemptsOf(6)], [undefined, attempts]);
});

Deno.test("PartitionLease is occupied by an event unless it rests or is stored, and no end is in sight", () => {
  const lease = new PartitionLease();
  const states = () => [lease.isBusyWith(5), lease.wouldBlame(5)];
  assertEquals(states(), [true, false]);
  lease.begin(6);
  assertEquals(states(), [true, true], "what is behind it has begun");
  lease.noteRetryPause(5);
  assertEquals(states(), [false, false]);
  lease.begin(5);
  assertEquals(states(), [true, true]);
  lease.noteStoring(5);
  assertEquals(states(), [false, false]);
  lease.finish(5);
  assertEquals(states(), [true, true], "an offset may come back, when its topic was created anew");
  lease.suspend();
  assertEquals(states(), [false, false]);
  lease.resume();
  lease.beginEnd();
  assertEquals(states(), [false, false]);
});

Deno.test("PartitionLease reports when work on an event begins or pauses, and that state holds by then", () => {
  const lease = new PartitionLease();
  const reports: [boolean, boolean][] = [];
  lease.onWork((isWorking) => reports.push([isWorking, lease.wouldBlame(5)]));
  lease.begin(5);
  lease.noteRetryPause(5);
  lease.begin(5);
  assertEquals(reports, [[true, true], [false, false], [true, true]]);
});

Deno.test("PartitionLease admits nothing at all while it is still, and everything when it is resumed", () => {
  const lease = new PartitionLease();
  lease.begin(1);
  lease.begin(5);
  lease.suspend();
  assertEquals([3, 6].map((offset) => lease.admits(offset)), [true, false]);
  lease.freeze();
  assertEquals([3, 6].map((offset) => lease.admits(offset)), [false, false]);
  lease.resume();
  assertEquals([3, 6].map((offset) => lease.admits(offset)), [true, true]);
  lease.suspend();
  assertEquals([3, 6].map((offset) => lease.admits(offset)), [true, false]);
});
