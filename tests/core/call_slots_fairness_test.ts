import { assertEquals } from "@std/assert";
import { CallSlots } from "../../src/core/call_slots.ts";
import { OpenPartition } from "../support/kafka/open_partition.ts";
import { Calls } from "../support/fakes/calls.ts";
import { promisesSettled } from "../support/eventually.ts";

Deno.test("CallSlots gives the next slot to the lease that holds the fewest", async () => {
  const calls = new Calls({ concurrency: 32, leases: "abc" });
  await calls.prove("abc");
  await calls.want("a", 100);
  await calls.want("b", 100);
  await calls.want("c", 100);
  assertEquals(calls.shares(), { a: 16, b: 8, c: 4 });

  calls.started.length = 0;
  for (let call = 0; call < 8; call++) await calls.end("a");
  assertEquals(calls.started.join(""), "cccc", "the other four stay free for whoever comes next");
  assertEquals(calls.shares(), { a: 8, b: 8, c: 8 });
});

Deno.test("CallSlots gives slots in turn, when leases hold as many", async () => {
  const calls = new Calls({ concurrency: 1, leases: "abcd" });
  await calls.want("d", 1);
  for (const lease of "abc") await calls.want(lease, 3);
  for (let call = 0; call < 9; call++) await calls.end(calls.started.at(-1) ?? "none");
  assertEquals(calls.started.join(""), "dabcabcabc");
});

Deno.test("CallSlots prefers the lowest offset of a lease, in whatever order calls asked", async () => {
  const slots = new CallSlots(2);
  const partition = new OpenPartition();
  const started: number[] = [];
  const take = (offset: number) =>
    slots.take(partition.at(offset)).then(() => started.push(offset));
  for (const offset of [4, 5, 6, 8, 9]) take(offset);
  for (const offset of [7, 3]) take(offset);
  for (let call = 0; call < 5; call++) {
    await promisesSettled();
    slots.giveBack(partition.at(4), { wasAnswered: true });
  }
  await promisesSettled();
  assertEquals(started, [4, 5, 3, 6, 7, 8, 9]);
});

Deno.test("CallSlots leaves half of what is free to whoever comes next, when there are other leases", async (t) => {
  for (
    const { concurrency, most } of [
      { concurrency: 1, most: 1 },
      { concurrency: 2, most: 1 },
      { concurrency: 3, most: 2 },
      { concurrency: 32, most: 16 },
    ]
  ) {
    await t.step(`${most} of ${concurrency}`, async () => {
      const calls = new Calls({ concurrency, leases: "ab" });
      await calls.prove("ab");
      await calls.want("a", 100);
      assertEquals(calls.running("a"), most);
    });
  }
});

Deno.test("CallSlots lets a lease without an answer have an eighth of the slots", async (t) => {
  for (
    const { concurrency, most } of [
      { concurrency: 1, most: 1 },
      { concurrency: 8, most: 1 },
      { concurrency: 9, most: 2 },
      { concurrency: 32, most: 4 },
    ]
  ) {
    await t.step(`${most} of ${concurrency}, before the first`, async () => {
      const calls = new Calls({ concurrency, leases: "ab" });
      await calls.want("a", 100);
      assertEquals(calls.running("a"), most);
    });

    await t.step(`${most} of ${concurrency}, when the last call went unanswered`, async () => {
      const calls = new Calls({ concurrency, leases: "ab" });
      await calls.prove("ab");
      await calls.want("a", 100);
      while (calls.running("a") > most) await calls.end("a", { wasAnswered: false });
      for (let call = 0; call < 10; call++) {
        await calls.end("a", { wasAnswered: false });
        assertEquals(calls.running("a"), most);
      }
    });
  }
});

Deno.test("CallSlots lets a lease have more again, when a call was answered", async () => {
  const calls = new Calls({ concurrency: 32, leases: "ab" });
  await calls.want("a", 100);
  assertEquals(calls.running("a"), 4);

  await calls.end("a", { wasAnswered: true });
  assertEquals(calls.running("a"), 16);
});

Deno.test("CallSlots lets other leases work on, when the calls of one hang", async (t) => {
  const leases = "abcdefghijkl";
  const others = leases.slice(1);

  await t.step("from the first call on", async () => {
    const all = await ticks(new Calls({ concurrency: 32, leases }), { leases });
    const left = await ticks(new Calls({ concurrency: 32, leases }), { leases, hanging: "a" });
    assertShare(left, all);
  });

  await t.step("after they were answered for a while", async () => {
    const calls = new Calls({ concurrency: 32, leases });
    const all = await ticks(calls, { leases });
    const left = await ticks(calls, { leases, hanging: "a" });
    assertShare(left, all);
  });

  await t.step("after the others had nothing to do", async () => {
    const calls = new Calls({ concurrency: 32, leases });
    await ticks(calls, { leases: "a" });
    const left = await ticks(calls, { leases, hanging: "a" });
    for (const lease of others) {
      assertAtLeast(left[lease], 100, `calls of ${lease} in 100 ticks`);
    }
  });

  function assertShare(left: Record<string, number>, all: Record<string, number>) {
    const sum = (completed: Record<string, number>) =>
      [...others].reduce((sum, lease) => sum + (completed[lease] ?? 0), 0);
    assertAtLeast(sum(left), 0.8 * sum(all), "calls of the other leases");
    for (const lease of others) {
      assertAtLeast(left[lease], 0.8 * (sum(all) / others.length), `calls of ${lease}`);
    }
  }
});

/** Runs 100 times what started until then, and tells how many calls of each lease came to an end. */
async function ticks(
  calls: Calls,
  { leases, hanging = "" }: { leases: string; hanging?: string },
): Promise<Record<string, number>> {
  for (const lease of leases) await calls.want(lease, 100);
  const completed = Object.fromEntries([...leases].map((lease) => [lease, 0]));
  for (let tick = 0; tick < 100; tick++) {
    const running = [...leases].flatMap((lease) => Array<string>(calls.running(lease)).fill(lease));
    for (const lease of running) {
      if (hanging.includes(lease)) continue;
      await calls.end(lease);
      completed[lease] = (completed[lease] ?? 0) + 1;
      await calls.want(lease, 1);
    }
  }
  return completed;
}

function assertAtLeast(actual: number | undefined, least: number, what: string): void {
  if ((actual ?? 0) < least) throw new Error(`${actual} and not at least ${least}: ${what}`);
}
