import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { LeaseController } from "../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import { OutageGuard, type Probe } from "../../../src/core/failures/outage_guard.ts";
import { eventually, everythingSettled } from "../../support/eventually.ts";
import { bytes } from "../../support/events.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { NO_END, NO_WAIT } from "../../support/fakes/run_parts.ts";

/** A guard whose clock is moved by hand. */
class GuardedEndpoint {
  nowMs = 0;
  readonly log = new RecordedLog();
  readonly guard: OutageGuard;

  constructor({ backoff = NO_WAIT } = {}) {
    this.guard = new OutageGuard({ log: this.log.log, backoff }, { now: () => this.nowMs });
  }

  /** Has so many calls fail, one every `stepMs`, for keys in turn; null stands for none. */
  fail(count: number, { keys = ["a", "b", "c", "d", "e"], stepMs = 300 }: {
    keys?: readonly (string | null)[];
    stepMs?: number;
  } = {}): void {
    for (let call = 0; call < count; call++) {
      const key = keys[call % keys.length] ?? null;
      if (call > 0) this.nowMs += stepMs;
      this.guard.noteFailure(key === null ? null : bytes(key));
    }
  }

  /** Lets a probe through, and says that it has ended without a success. */
  async failProbe(lease: LeaseController): Promise<void> {
    const probe = await this.guard.turn(lease, 0);
    this.guard.noteFailure(null);
    this.guard.endProbe(probe!);
  }
}

Deno.test("an OutageGuard opens after 20 failures in a row, of 5 keys, within 5 s or more", () => {
  const endpoint = new GuardedEndpoint();
  endpoint.fail(19);
  assertEquals(endpoint.guard.isOpen, false);
  endpoint.fail(1);
  assertEquals(endpoint.guard.isOpen, true);
  assertMatch(
    endpoint.log.of("ERROR").join(),
    /seems to be away: no success in 20 calls for 5\.4 s/,
  );
});

Deno.test("an OutageGuard stays closed, when failures may be those of a few events", async (t) => {
  const cases = {
    "fewer than 20": (endpoint: GuardedEndpoint) => endpoint.fail(19, { stepMs: 1000 }),
    "4 keys": (endpoint: GuardedEndpoint) => endpoint.fail(1000, { keys: ["a", "b", "c", "d"] }),
    "4 keys and events without one": (endpoint: GuardedEndpoint) =>
      endpoint.fail(1000, { keys: ["a", "b", "c", "d", null] }),
    "less than 5 s": (endpoint: GuardedEndpoint) => endpoint.fail(1000, { stepMs: 4 }),
    "a success in between": (endpoint: GuardedEndpoint) => {
      endpoint.fail(19);
      endpoint.guard.noteAnswer({ isSuccess: true });
      endpoint.fail(19);
    },
  };
  for (const [name, fail] of Object.entries(cases)) {
    await t.step(name, () => {
      const endpoint = new GuardedEndpoint();
      fail(endpoint);
      assertEquals(endpoint.guard.isOpen, false);
    });
  }
});

Deno.test("an OutageGuard takes events without keys for one group", () => {
  const endpoint = new GuardedEndpoint();
  endpoint.fail(20, { keys: [null] });
  assertEquals(endpoint.guard.isOpen, true);
});

Deno.test("an OutageGuard counts across error responses that no outage brings", () => {
  const endpoint = new GuardedEndpoint();
  endpoint.fail(19);
  endpoint.guard.noteAnswer({ isSuccess: false });
  endpoint.fail(1);
  assertEquals(endpoint.guard.isOpen, true);
});

Deno.test("an OutageGuard lets calls pass at once while it is closed", async () => {
  const { guard } = new GuardedEndpoint();
  assertEquals(await guard.turn(new LeaseController(), 0), null);
  assertEquals(guard.admits(null), true);
});

Deno.test("an OutageGuard lets one probe after the other pass, of another event each time", async () => {
  const endpoint = new GuardedEndpoint();
  const lease = new LeaseController();
  endpoint.fail(20);
  const probes: (Probe | null)[] = [];
  for (const offset of [1, 2]) {
    endpoint.guard.turn(lease, offset).then((probe) => probes.push(probe));
  }
  await eventually(() => probes.length === 1, { what: "a probe" });
  await everythingSettled();
  assertEquals(probes.map((probe) => probe?.offset), [1]);

  endpoint.guard.noteFailure(bytes("a"));
  endpoint.guard.endProbe(probes[0]!);
  await eventually(() => probes.length === 2, { what: "another probe" });
  assertEquals(probes.map((probe) => probe?.offset), [1, 2]);
});

Deno.test("an OutageGuard waits before each probe", async () => {
  const endpoint = new GuardedEndpoint({ backoff: NO_END });
  const lease = new LeaseController();
  endpoint.fail(20);
  let hasPassed = false;
  const turn = endpoint.guard.turn(lease, 0).then(() => hasPassed = true);
  await everythingSettled();
  assertEquals(hasPassed, false);

  endpoint.guard.noteAnswer({ isSuccess: true });
  await turn;
});

Deno.test("an OutageGuard closes at the first answer, and lets everything pass", async (t) => {
  for (const isSuccess of [true, false]) {
    await t.step(isSuccess ? "a success" : "an error of the event's own", async () => {
      const endpoint = new GuardedEndpoint();
      const lease = new LeaseController();
      endpoint.fail(20);
      const turns = [1, 2, 3].map((offset) => endpoint.guard.turn(lease, offset));
      const probe = await turns[0]!;
      assertEquals(probe?.offset, 1);

      endpoint.nowMs += 60_000;
      endpoint.guard.noteAnswer({ isSuccess });
      endpoint.guard.endProbe(probe!);
      assertEquals(await Promise.all(turns), [probe, null, null]);
      assertEquals(endpoint.guard.isOpen, false);
      assertMatch(endpoint.log.of("WARN").join(), /answers again, after 6\d\.\d s/);
    });
  }
});

Deno.test("an OutageGuard that has closed needs as much as before to open again", async () => {
  const endpoint = new GuardedEndpoint();
  endpoint.fail(20);
  await endpoint.failProbe(new LeaseController());
  endpoint.guard.noteAnswer({ isSuccess: true });
  endpoint.fail(19);
  assertEquals(endpoint.guard.isOpen, false);
});

Deno.test("an OutageGuard turns calls away whose lease is ending", async () => {
  const endpoint = new GuardedEndpoint({ backoff: NO_END });
  const [ending, other] = [new LeaseController(), new LeaseController()];
  endpoint.fail(20);
  const turn = endpoint.guard.turn(ending, 0);
  const kept = endpoint.guard.turn(other, 0);
  ending.beginEnd();
  await assertRejects(() => turn, EventNotSettledError);
  await assertRejects(() => endpoint.guard.turn(ending, 0), EventNotSettledError);

  endpoint.guard.noteAnswer({ isSuccess: true });
  assertEquals(await kept, null);
});

Deno.test("an OutageGuard probes for a lease that is open, when another one is suspended", async () => {
  const endpoint = new GuardedEndpoint();
  const [suspended, open] = [new LeaseController(), new LeaseController()];
  endpoint.fail(20);
  suspended.suspend();
  const held = endpoint.guard.turn(suspended, 1);
  const probe = await endpoint.guard.turn(open, 2);
  assertEquals(probe?.offset, 2);

  endpoint.guard.endProbe(probe!);
  suspended.resume();
  assertEquals((await held)?.offset, 1);
});

Deno.test("an OutageGuard takes the probe from a lease that is suspended before the call", async () => {
  const endpoint = new GuardedEndpoint();
  const [suspended, open] = [new LeaseController(), new LeaseController()];
  endpoint.fail(20);
  const first = await endpoint.guard.turn(suspended, 1);
  const second = endpoint.guard.turn(open, 2);
  suspended.suspend();
  assertEquals((await second)?.offset, 2);
  assertEquals(endpoint.guard.admits(first), false);
  assertEquals(endpoint.guard.admits(await second), true);
});

Deno.test("an OutageGuard does not admit a call that had its turn before the outage", () => {
  const endpoint = new GuardedEndpoint();
  endpoint.fail(20);
  assertEquals(endpoint.guard.admits(null), false);
});

Deno.test("an OutageGuard leaves the endpoint alone as long as that asked for", async () => {
  using timers = new FakeTimers();
  const endpoint = new GuardedEndpoint();
  const { guard } = endpoint;
  endpoint.fail(19);
  endpoint.nowMs += 300;
  guard.noteFailure(null, { retryAfterMs: 60_000 });
  endpoint.nowMs += 1000;
  const lease = new LeaseController();
  const probe = guard.turn(lease, 0);
  assertEquals(timers.delaysMs, [59_000]);
  timers.fire(0);
  guard.noteFailure(null, { retryAfterMs: 30_000 });
  guard.endProbe((await probe)!);
  void guard.turn(lease, 1);
  assertEquals(timers.delaysMs, [30_000]);
});

Deno.test("an OutageGuard heeds nothing that was asked for before the endpoint answered well", () => {
  using timers = new FakeTimers();
  const endpoint = new GuardedEndpoint();
  endpoint.guard.noteFailure(null, { retryAfterMs: 3_600_000 });
  endpoint.guard.noteAnswer({ isSuccess: true });
  endpoint.fail(20);
  void endpoint.guard.turn(new LeaseController(), 0);
  assertEquals(timers.delaysMs, [0]);
});

const DOUBLING = {
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  multiplier: 2,
  jitter: "none",
} as const;

/** A guard during an outage, and its pauses. */
class Probed extends GuardedEndpoint {
  readonly #lease = new LeaseController();
  #turn: Promise<Probe | null>;

  constructor(readonly timers: FakeTimers) {
    super({ backoff: DOUBLING });
    this.fail(20);
    this.#turn = this.guard.turn(this.#lease, 0);
  }

  /** How long the next probe is waited for. */
  get pauseMs(): number {
    return this.timers.delaysMs[0]!;
  }

  /** Lets the pause pass, has the probe fail, and another event wait. */
  async failNext({ isResponse }: { isResponse: boolean }): Promise<void> {
    this.nowMs += this.pauseMs;
    this.timers.fire(0);
    const probe = await this.#turn;
    this.#turn = this.guard.turn(this.#lease, 0);
    this.guard.noteFailure(null, { isResponse });
    this.guard.endProbe(probe!);
  }
}

Deno.test("an OutageGuard pauses for longer from probe to probe, up to an eighth of the outage so far", async () => {
  using timers = new FakeTimers();
  const endpoint = new Probed(timers);
  const startedAtMs = 0;
  let lastMs = 0;
  while (lastMs < 30_000) {
    const { pauseMs } = endpoint;
    assertEquals(pauseMs >= lastMs, true);
    assertEquals(pauseMs <= Math.max(500, (endpoint.nowMs - startedAtMs) / 8), true);
    lastMs = pauseMs;
    await endpoint.failNext({ isResponse: false });
  }
});

Deno.test("an OutageGuard starts again from the shortest pause, when a probe gets a response after none", async () => {
  using timers = new FakeTimers();
  const endpoint = new Probed(timers);
  while (endpoint.pauseMs < 5000) await endpoint.failNext({ isResponse: false });
  await endpoint.failNext({ isResponse: true });
  assertEquals(endpoint.pauseMs, 500);
  await endpoint.failNext({ isResponse: true });
  assertEquals(endpoint.pauseMs, 1000);
});

Deno.test("an OutageGuard probes sooner, when a call from before the outage gets a response after none", async () => {
  using timers = new FakeTimers();
  const endpoint = new Probed(timers);
  while (endpoint.pauseMs < 5000) await endpoint.failNext({ isResponse: false });
  endpoint.guard.noteFailure(null, { isResponse: true });
  assertEquals(timers.delaysMs, [500]);
});

Deno.test("an OutageGuard tells when an outage begins, each time", () => {
  const endpoint = new GuardedEndpoint();
  const first = endpoint.guard.opening;
  endpoint.fail(19);
  assertEquals(first.aborted, false);
  endpoint.fail(2);
  assertEquals(first.aborted, true);

  endpoint.guard.noteAnswer({ isSuccess: true });
  const second = endpoint.guard.opening;
  assertEquals(second.aborted, false);
  endpoint.fail(20);
  assertEquals(second.aborted, true);
});
