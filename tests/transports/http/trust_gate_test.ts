import { assertEquals, assertRejects } from "@std/assert";
import { PipelineHealth } from "../../../src/core/health.ts";
import { type Pass, TrustGate } from "../../../src/transports/http/trust_gate.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";
import { promisesSettled } from "../../support/eventually.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const REASON = "the endpoint refuses the credentials of 'auth' with 401";
const LOGGED = `ERROR - ${REASON}; until that is repaired, one call is tried every 5 s`;

class World implements Disposable {
  readonly log = new RecordedLog();
  readonly health = new PipelineHealth();
  readonly timers = new FakeTimers();
  nowMs = 1000;
  readonly gate = new TrustGate({
    log: this.log.log,
    health: this.health,
    now: () => this.nowMs,
  });
  /** Who has got a pass, in that order. */
  readonly passes: Pass[] = [];

  /** So many calls come; resolves when all have gone or wait. */
  async come(count = 1, signal = new AbortController().signal): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { pass } = this.gate;
      if (pass !== undefined) this.passes.push(pass);
      else this.gate.enter(signal).then((pass) => this.passes.push(pass), () => {});
    }
    await promisesSettled();
  }

  async tell(outcome: "accepted" | "unanswered" | "left", call: number): Promise<void> {
    this.gate[outcome](this.passes[call]!);
    await promisesSettled();
  }

  async refuse(call: number, reason = REASON): Promise<void> {
    this.gate.refused(this.passes[call]!, reason);
    await promisesSettled();
  }

  async doubt(call: number): Promise<void> {
    this.gate.doubted(this.passes[call]!, REASON);
    await promisesSettled();
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    if (this.timers.count > 0) this.timers.fire(0);
    await promisesSettled();
  }

  [Symbol.dispose](): void {
    this.gate[Symbol.dispose]();
    this.timers[Symbol.dispose]();
  }
}

/** A gate through which a first call has gone, so that all may go. */
async function openGate(): Promise<World> {
  const world = new World();
  await world.come();
  await world.tell("accepted", 0);
  return world;
}

Deno.test("TrustGate lets one call ahead, and all others once it has ended well", async (t) => {
  for (const outcome of ["accepted", "unanswered"] as const) {
    await t.step(outcome, async () => {
      using world = new World();
      await world.come(10);
      assertEquals(world.passes.length, 1);
      await world.tell(outcome, 0);
      assertEquals(world.passes.length, 10);
      await world.come();
      assertEquals(world.passes.length, 11);
      assertEquals(world.log.lines, []);
    });
  }
});

Deno.test("TrustGate lets the next call ahead 5 s after one that was refused", async () => {
  using world = new World();
  await world.come(4);
  await world.pass(1000);
  await world.refuse(0);
  await world.pass(4999);
  assertEquals(world.passes.length, 1);
  await world.pass(1);
  assertEquals(world.passes.length, 2);
  await world.refuse(1);
  await world.pass(4999);
  assertEquals(world.passes.length, 2);
  await world.pass(1);
  assertEquals(world.passes.length, 3);
});

Deno.test("TrustGate lets another call ahead after 5 s when the first one takes longer", async () => {
  using world = new World();
  await world.come(3);
  await world.pass(4999);
  assertEquals(world.passes.length, 1);
  await world.pass(1);
  assertEquals(world.passes.length, 2);
  await world.tell("accepted", 1);
  assertEquals(world.passes.length, 3);
  await world.refuse(0);
  assertEquals(world.gate.pass, world.passes[2]);
});

Deno.test("TrustGate closes when one of many is refused, and heeds no call from before", async () => {
  using world = await openGate();
  await world.come(3);
  await world.refuse(1);
  assertEquals(world.gate.pass, undefined);
  await world.come(2);
  await world.tell("accepted", 2);
  await world.refuse(3);
  assertEquals(world.passes.length, 4);
  await world.pass(5000);
  assertEquals(world.passes.length, 5);
  await world.tell("accepted", 4);
  assertEquals(world.passes.length, 6);
});

Deno.test("TrustGate says once what is wrong, while it is wrong, and once that it works", async () => {
  using world = new World();
  await world.come(6);
  await world.refuse(0);
  assertEquals(world.health.reasons(), [REASON]);
  await world.pass(5000);
  await world.refuse(1);
  await world.pass(5000);
  await world.refuse(2, "the certificate has expired");
  await world.pass(5000);
  await world.tell("accepted", 3);
  await world.come();
  await world.tell("accepted", 4);
  assertEquals(world.log.lines, [
    LOGGED,
    "ERROR - the certificate has expired; until that is repaired, one call is tried every 5 s",
    "WARN - the endpoint accepts calls again, after 15.0 s",
  ]);
  assertEquals(world.health.reasons(), []);
});

Deno.test("TrustGate takes no call without an answer for the end of a refusal", async () => {
  using world = new World();
  await world.come(5);
  await world.refuse(0);
  await world.pass(5000);
  await world.tell("unanswered", 1);
  assertEquals(world.passes.length, 2);
  assertEquals(world.health.reasons(), [REASON]);
  await world.pass(4999);
  assertEquals(world.passes.length, 2);
  await world.pass(1);
  assertEquals(world.passes.length, 3);
  await world.tell("accepted", 2);
  assertEquals(world.passes.length, 5);
});

Deno.test("TrustGate closes for doubts only when there are five in a row", async (t) => {
  await t.step("of calls that were under way together", async () => {
    using world = await openGate();
    await world.come(5);
    for (const call of [1, 2, 3, 4]) await world.doubt(call);
    assertEquals(world.log.lines, []);
    await world.doubt(5);
    assertEquals(world.log.lines, [LOGGED]);
    await world.come();
    await world.pass(4999);
    assertEquals(world.passes.length, 6);
    await world.pass(1);
    assertEquals(world.passes.length, 7);
  });
  await t.step("whatever goes without an answer between them", async () => {
    using world = await openGate();
    for (let call = 1; call <= 8; call += 2) {
      await world.come(2);
      await world.doubt(call);
      await world.tell("unanswered", call + 1);
    }
    assertEquals(world.log.lines, []);
    await world.come();
    await world.doubt(9);
    assertEquals(world.log.lines, [LOGGED]);
  });
  await t.step("and starts from none with each call that is accepted", async () => {
    using world = await openGate();
    for (let call = 1; call <= 20; call += 5) {
      await world.come(5);
      for (const doubtful of [0, 1, 2, 3]) await world.doubt(call + doubtful);
      await world.tell("accepted", call + 4);
    }
    assertEquals(world.log.lines, []);
  });
  await t.step("and at the first one while nobody was accepted", async () => {
    using world = new World();
    await world.come();
    await world.doubt(0);
    assertEquals(world.log.lines, [LOGGED]);
  });
  await t.step("and at the first one of those that find out whether it works again", async () => {
    using world = await openGate();
    await world.come(2);
    await world.refuse(1);
    await world.come(2);
    await world.pass(5000);
    await world.doubt(3);
    await world.pass(4999);
    assertEquals(world.passes.length, 4);
  });
});

Deno.test("TrustGate lets the next call ahead at once when one was given up", async () => {
  using world = new World();
  await world.come(3);
  await world.tell("left", 0);
  assertEquals(world.passes.length, 2);
  await world.refuse(1);
  await world.pass(5000);
  await world.tell("left", 2);
  await world.come();
  assertEquals(world.passes.length, 3);
  await world.pass(5000);
  assertEquals(world.passes.length, 4);
});

Deno.test("TrustGate no longer counts with a call whose signal has aborted", async () => {
  using world = new World();
  const lease = new AbortController();
  await world.come();
  const waiting = world.gate.enter(lease.signal);
  await world.come();
  lease.abort(new Error("the lease has ended"));
  await assertRejects(() => waiting, Error, "the lease has ended");
  await assertRejects(() => world.gate.enter(lease.signal), Error, "the lease has ended");
  await world.refuse(0);
  await world.pass(5000);
  assertEquals(world.passes.length, 2);
});

Deno.test("TrustGate sends away who would have to pause while the lease is ending, and no one else", async () => {
  using world = new World();
  const { signal } = new AbortController();
  const lease = new AbortController();
  const ends: string[] = [];
  const come = (ending: AbortSignal) =>
    world.gate.enter(signal, ending).then(
      (pass) => void world.passes.push(pass),
      (error: Error) => void ends.push(error.name),
    );
  const [ahead, ...ending] = [1, 2, 3].map(() => come(lease.signal));
  const going = come(new AbortController().signal);
  await ahead;
  lease.abort();
  await promisesSettled();
  assertEquals(ends, []);
  await world.refuse(0);
  await Promise.all(ending);
  assertEquals(ends, ["EventNotSettledError", "EventNotSettledError"]);
  await come(lease.signal);
  assertEquals(ends.length, 3);
  await world.pass(5000);
  await going;
  assertEquals(world.passes.length, 2);
});

Deno.test("TrustGate gives up who waits when it is closed for good, and keeps no timer", async () => {
  using world = new World();
  await world.come();
  const waiting = world.gate.enter(new AbortController().signal);
  assertEquals(world.timers.count, 1);
  world.gate[Symbol.dispose]();
  await assertRejects(() => waiting, DOMException);
  assertEquals(world.timers.count, 0);
});
