import { assertEquals, assertRejects } from "@std/assert";
import { ConnectError } from "../../../src/transports/sockets/connect_error.ts";
import { firstConnection } from "../../../src/transports/sockets/connection_race.ts";
import { everythingSettled } from "../../support/eventually.ts";

const NEVER = new AbortController().signal;

Deno.test("firstConnection() takes the first address, when it answers, and asks for no other one", async () => {
  const world = new World(["connects"]);
  assertEquals((await world.race()).name, "1");
  assertEquals(world.events, ["try 1"]);
});

Deno.test("firstConnection() tries the next address at once, when one fails", async () => {
  const world = new World(["ECONNREFUSED", "ENETUNREACH", "connects"]);
  const startedMs = performance.now();
  assertEquals((await world.race()).name, "3");
  assertEquals(performance.now() - startedMs < 200, true, "without a pause");
});

Deno.test("firstConnection() tries the next address after a while, when one does not answer, and ends the first one", async () => {
  const world = new World(["swallows", "connects"]);
  const startedMs = performance.now();
  assertEquals((await world.race()).name, "2");
  assertEquals(performance.now() - startedMs >= 240, true, "after a pause");
  await everythingSettled();
  assertEquals(world.events, ["try 1", "others", "try 2", "1 given up"]);
});

Deno.test("firstConnection() closes a connection that comes after another one", async () => {
  const world = new World(["late", "connects"]);
  await world.race();
  world.release();
  await everythingSettled();
  assertEquals(world.events, ["try 1", "others", "try 2", "1 closed"]);
});

Deno.test("firstConnection() closes a connection that comes after its caller has given up", async () => {
  const world = new World(["late"]);
  const caller = new AbortController();
  const outcome = assertRejects(() => world.race(caller.signal), Error, "enough");
  await everythingSettled();
  caller.abort(new Error("enough"));
  await outcome;
  world.release();
  await everythingSettled();
  assertEquals(world.events, ["try 1", "1 closed"]);
});

Deno.test("firstConnection() gives up what still connects, when its caller gives up", async () => {
  const world = new World(["swallows"]);
  const caller = new AbortController();
  const outcome = assertRejects(() => world.race(caller.signal), Error, "enough");
  await everythingSettled();
  caller.abort(new Error("enough"));
  await outcome;
  await everythingSettled();
  assertEquals(world.events, ["try 1", "1 given up"]);
});

Deno.test("firstConnection() does not begin, when its caller has given up before", async () => {
  const world = new World(["connects"]);
  await assertRejects(() => world.race(AbortSignal.abort(new Error("enough"))), Error, "enough");
  assertEquals(world.events, []);
});

const MOST_TELLING: readonly (readonly [failures: readonly string[], expected: string])[] = [
  [["ENETUNREACH", "ECONNREFUSED"], "ECONNREFUSED"],
  [["ECONNREFUSED", "ENETUNREACH"], "ECONNREFUSED"],
  [["ECONNREFUSED", "ETIMEDOUT"], "ECONNREFUSED"],
  [["ECONNREFUSED", "ECONNREFUSED", "EADDRNOTAVAIL"], "EADDRNOTAVAIL"],
  [["EHOSTUNREACH", "ETIMEDOUT"], "ETIMEDOUT"],
  [["ENETUNREACH", "EHOSTUNREACH"], "EHOSTUNREACH"],
  [["ECONNREFUSED", "EMFILE"], "EMFILE"],
  [["EOTHER", "ENETUNREACH"], "ENETUNREACH"],
];

for (const [failures, expected] of MOST_TELLING) {
  Deno.test(`firstConnection() fails by ${expected}, when its addresses fail by ${failures.join(" and ")}`, async () => {
    const error = await assertRejects(() => new World(failures).race(), ConnectError);
    assertEquals(error.code, expected);
  });
}

for (const code of ["EPERM", "EMFILE", "ENFILE", "ENOTFOUND"]) {
  Deno.test(`firstConnection() looks for no other address, when the first attempt fails by ${code}`, async () => {
    const world = new World([code, "connects"]);
    await assertRejects(() => world.race(), ConnectError);
    assertEquals(world.events, ["try 1"]);
  });
}

/** What an attempt comes to: `late` connects when it is released, whoever has given it up; else the code of an error. */
type Fate = "connects" | "swallows" | "late" | string;

interface FakeConnection {
  readonly name: string;
  close(): void;
}

class World {
  readonly events: string[] = [];
  readonly #fates: readonly Fate[];
  readonly #released = Promise.withResolvers<void>();

  constructor(fates: readonly Fate[]) {
    this.#fates = fates;
  }

  race(signal = NEVER): Promise<FakeConnection> {
    const [first, ...others] = this.#fates.map((fate, at) => (signal: AbortSignal) =>
      this.#dial(`${at + 1}`, fate, signal)
    );
    const dials = {
      first: first!,
      others: () => {
        if (others.length === 0) return Promise.resolve([]);
        this.events.push("others");
        return Promise.resolve([...others, first!]);
      },
    };
    return firstConnection<FakeConnection>(dials, signal);
  }

  release(): void {
    this.#released.resolve();
  }

  async #dial(name: string, fate: Fate, signal: AbortSignal): Promise<FakeConnection> {
    this.events.push(`try ${name}`);
    const connection = { name, close: () => void this.events.push(`${name} closed`) };
    switch (fate) {
      case "connects":
        return connection;
      case "late":
        await this.#released.promise;
        return connection;
      case "swallows":
        return await new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            this.events.push(`${name} given up`);
            reject(signal.reason);
          })
        );
      default:
        throw new ConnectError(fate);
    }
  }
}
