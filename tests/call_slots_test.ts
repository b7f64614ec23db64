import { assertEquals, assertRejects } from "@std/assert";
import { CallSlots } from "../src/call_slots.ts";
import { LeaseController } from "../src/lease.ts";
import { EventNotSettledError } from "../src/listener.ts";
import { promisesSettled } from "./support/eventually.ts";
import { seededRandom } from "./support/seeded_random.ts";

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
  const lease = new LeaseController();
  const started: number[] = [];
  const take = (offset: number) => slots.take(lease, offset).then(() => started.push(offset));
  for (const offset of [4, 5, 6, 8, 9]) take(offset);
  for (const offset of [7, 3]) take(offset);
  for (let call = 0; call < 5; call++) {
    await promisesSettled();
    slots.giveBack(lease, { wasAnswered: true });
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

Deno.test("CallSlots gives slots to what a suspended lease still admits, and to nothing behind it", async () => {
  const slots = new CallSlots(3);
  const lease = new LeaseController();
  const started: number[] = [];
  for (const offset of [7, 4, 9, 2]) {
    slots.take(lease, offset).then(() => {
      lease.begin(offset);
      started.push(offset);
    });
  }
  await promisesSettled();
  assertEquals(started, [7, 4, 9], "those who asked first");

  lease.suspend();
  for (const offset of [8, 10]) slots.take(lease, offset).then(() => started.push(offset));
  for (let call = 0; call < 3; call++) slots.giveBack(lease, { wasAnswered: true });
  await promisesSettled();
  assertEquals(started, [7, 4, 9, 2, 8]);

  lease.resume();
  await promisesSettled();
  assertEquals(started, [7, 4, 9, 2, 8, 10]);
});

Deno.test("CallSlots turns away who waits behind a call that rests, when the lease is ending", async () => {
  const slots = new CallSlots(1);
  const lease = new LeaseController();
  const outcomes: string[] = [];
  const take = (offset: number) =>
    slots.take(lease, offset).then(() => {
      lease.begin(offset);
      outcomes.push(`${offset} started`);
    }, () => outcomes.push(`${offset} turned away`));
  take(6);
  await promisesSettled();
  for (const offset of [3, 4, 5, 7]) take(offset);
  lease.beginEnd();
  await promisesSettled();
  assertEquals(outcomes.splice(0), ["6 started", "7 turned away"]);

  slots.giveBack(lease, { wasAnswered: true });
  await promisesSettled();
  assertEquals(outcomes.splice(0), ["3 started"]);

  lease.rest(3);
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
    await assertRejects(() => slots.take(lease, 0), EventNotSettledError, "ended before its turn");
    await slots.take(new LeaseController(), 0);
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

  calls.lease("b").peers = 1;
  await calls.end("a", { wasAnswered: false });
  assertEquals(calls.shares(), { a: 0, b: 2 });
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
      assertAtLeast(concurrency, inFlight, `slots, seed ${seed}`);
    }
    for (const lease of leases) calls.lease(lease).resume();
    for (let round = 0; round <= wanted; round++) {
      for (const lease of leases) await calls.end(lease);
    }
    assertEquals(calls.started.length + calls.turnedAway.length, wanted, `seed ${seed}`);
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

/** Calls of leases that have one letter each: those that wait, and those that have a slot. */
class Calls {
  /** The leases of the calls that have started, in that order. */
  readonly started: string[] = [];
  readonly turnedAway: string[] = [];
  readonly #slots: CallSlots;
  readonly #leases: ReadonlyMap<string, LeaseController>;
  readonly #running = new Map<string, number>();
  #nextOffset = 0;

  constructor({ concurrency, leases }: { concurrency: number; leases: string }) {
    this.#slots = new CallSlots(concurrency);
    this.#leases = new Map([...leases].map((name) => [name, new LeaseController()]));
    for (const lease of this.#leases.values()) lease.peers = leases.length;
  }

  lease(name: string): LeaseController {
    const lease = this.#leases.get(name);
    if (lease === undefined) throw new Error(`There is no lease ${name}`);
    return lease;
  }

  running(name: string): number {
    return this.#running.get(name) ?? 0;
  }

  shares(): Record<string, number> {
    return Object.fromEntries([...this.#leases.keys()].map((name) => [name, this.running(name)]));
  }

  /** Has so many more calls ask for a slot. */
  async want(name: string, count: number): Promise<void> {
    for (let call = 0; call < count; call++) {
      this.#slots.take(this.lease(name), this.#nextOffset++).then(() => {
        this.started.push(name);
        this.#running.set(name, this.running(name) + 1);
      }, (error) => {
        if (!(error instanceof EventNotSettledError)) throw error;
        this.turnedAway.push(name);
      });
    }
    await promisesSettled();
  }

  /** Ends a call, if one runs. */
  async end(name: string, { wasAnswered = true } = {}): Promise<void> {
    if (this.running(name) === 0) return;
    this.#running.set(name, this.running(name) - 1);
    this.#slots.giveBack(this.lease(name), { wasAnswered });
    await promisesSettled();
  }

  /** Has a call of each answered. */
  async prove(names: string): Promise<void> {
    for (const name of names) {
      await this.want(name, 1);
      await this.end(name);
    }
    this.started.length = 0;
  }
}
