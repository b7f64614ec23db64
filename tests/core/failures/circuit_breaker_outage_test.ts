import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CircuitBreaker, type Permit } from "../../../src/core/failures/circuit_breaker.ts";
import { HandlerError } from "../../../src/core/handler.ts";
import { PipelineHealth } from "../../../src/core/health.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import { everythingSettled, promisesSettled } from "../../support/eventually.ts";
import { bytes } from "../../support/events.ts";
import { aResult } from "../../support/fakes/handler.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { NO_END, NO_WAIT } from "../../support/fakes/run_parts.ts";
import { OpenPartition } from "../../support/kafka/open_partition.ts";
import { aDelivery } from "../../support/fakes/delivery.ts";

const NO_RESPONSE = new HandlerError("no response");
const SUCCESS = aResult();
const ERROR_OF_EVENT = aResult("onError", { status: "404", suggestsOutage: false });

/** A breaker whose clock is moved by hand. */
class Endpoint {
  nowMs = 0;
  readonly log = new RecordedLog();
  readonly health = new PipelineHealth();
  readonly breaker: CircuitBreaker;
  /** The permit of all calls that began before the outage. */
  readonly #permit: Permit;

  constructor({ backoff = NO_WAIT } = {}) {
    const now = () => this.nowMs;
    this.breaker = new CircuitBreaker({ log: this.log.log, health: this.health, backoff, now });
    this.#permit = this.breaker.permit!;
  }

  record(outcome: ReturnType<typeof aResult> | HandlerError, { key = "a", permit = this.#permit }: {
    key?: string | null;
    permit?: Permit;
  } = {}): void {
    this.breaker.record(outcome, key === null ? null : bytes(key), permit);
  }

  /** Has so many calls fail, one every `stepMs`, for keys in turn; null stands for none. */
  fail(count: number, { keys = ["a", "b", "c", "d", "e"], stepMs = 300 }: {
    keys?: readonly (string | null)[];
    stepMs?: number;
  } = {}): void {
    for (let call = 0; call < count; call++) {
      if (call > 0) this.nowMs += stepMs;
      this.record(NO_RESPONSE, { key: keys[call % keys.length] ?? null });
    }
  }

  get isClosed(): boolean {
    return this.breaker.permit !== null;
  }
}

Deno.test("a CircuitBreaker opens after 20 failures in a row, of 5 keys, within 5 s or more", () => {
  const endpoint = new Endpoint();
  endpoint.fail(19);
  assertEquals([endpoint.breaker.isOutage, endpoint.isClosed], [false, true]);
  endpoint.fail(1);
  assertEquals([endpoint.breaker.isOutage, endpoint.isClosed], [true, false]);
  assertEquals(endpoint.health.reasons(), ["the endpoint is away"]);
  assertMatch(
    endpoint.log.of("ERROR").join(),
    /seems to be away: no success in 20 calls for 5\.4 s/,
  );
});

Deno.test("a CircuitBreaker stays closed, when failures may be those of a few events", async (t) => {
  const cases = {
    "fewer than 20": (endpoint: Endpoint) => endpoint.fail(19, { stepMs: 1000 }),
    "4 keys": (endpoint: Endpoint) => endpoint.fail(1000, { keys: ["a", "b", "c", "d"] }),
    "4 keys and events without one": (endpoint: Endpoint) =>
      endpoint.fail(1000, { keys: ["a", "b", "c", "d", null] }),
    "less than 5 s": (endpoint: Endpoint) => endpoint.fail(1000, { stepMs: 4 }),
    "a success in between": (endpoint: Endpoint) => {
      endpoint.fail(19);
      endpoint.record(SUCCESS);
      endpoint.fail(19);
    },
  };
  for (const [name, fail] of Object.entries(cases)) {
    await t.step(name, () => {
      const endpoint = new Endpoint();
      fail(endpoint);
      assertEquals(endpoint.isClosed, true);
    });
  }
});

Deno.test("a CircuitBreaker takes events without keys for one group", () => {
  const endpoint = new Endpoint();
  endpoint.fail(20, { keys: [null] });
  assertEquals(endpoint.breaker.isOutage, true);
});

Deno.test("a CircuitBreaker counts across error responses that no outage brings", () => {
  const endpoint = new Endpoint();
  endpoint.fail(19);
  endpoint.record(ERROR_OF_EVENT);
  endpoint.fail(1);
  assertEquals(endpoint.breaker.isOutage, true);
});

Deno.test("a CircuitBreaker does not count calls that lacked a resource of this machine", () => {
  const endpoint = new Endpoint();
  endpoint.fail(19);
  const local = new HandlerError("too many open connections", { wasSent: false, isLocal: true });
  endpoint.record(local);
  assertEquals(endpoint.breaker.isOutage, false);
  endpoint.record(new HandlerError("connection refused", { wasSent: false }));
  assertEquals(endpoint.breaker.isOutage, true);
});

Deno.test("a CircuitBreaker lets one probe after the other pass, of another event each time", async () => {
  const endpoint = new Endpoint();
  const lease = new LeaseController();
  endpoint.fail(20);
  const probes: Permit[] = [];
  for (const offset of [1, 2]) {
    endpoint.breaker.enter(aDelivery(lease, offset)).then((permit) => probes.push(permit));
  }
  await everythingSettled();
  assertEquals(probes.map(({ probe }) => probe?.event.position), [1]);

  endpoint.record(NO_RESPONSE, { permit: probes[0]! });
  endpoint.breaker.leave(probes[0]!);
  await everythingSettled();
  assertEquals(probes.map(({ probe }) => probe?.event.position), [1, 2]);
});

Deno.test("a CircuitBreaker waits before each probe", async () => {
  const endpoint = new Endpoint({ backoff: NO_END });
  endpoint.fail(20);
  let hasPassed = false;
  const turn = endpoint.breaker.enter(aDelivery()).then(() => hasPassed = true);
  await everythingSettled();
  assertEquals(hasPassed, false);

  endpoint.record(SUCCESS);
  await turn;
});

Deno.test("a CircuitBreaker closes at the first answer, also to an earlier call, and lets everything pass", async (t) => {
  for (const [name, outcome] of Object.entries({ "a success": SUCCESS, "a 404": ERROR_OF_EVENT })) {
    for (const isProbe of [true, false]) {
      await t.step(`${name} to ${isProbe ? "the probe" : "an earlier call"}`, async () => {
        const endpoint = new Endpoint();
        const { breaker } = endpoint;
        const lease = new LeaseController();
        endpoint.fail(20);
        const turns = [1, 2, 3].map((offset) => breaker.enter(aDelivery(lease, offset)));
        const permit = await turns[0]!;
        assertEquals(permit.probe?.event.position, 1);

        endpoint.nowMs += 60_000;
        endpoint.record(outcome, isProbe ? { permit } : {});
        breaker.leave(permit);
        const [, ...others] = await Promise.all(turns);
        assert(others.every((other) => other === breaker.permit));
        assertEquals([breaker.isOutage, breaker.admits(permit)], [false, false]);
        assertEquals(endpoint.health.reasons(), []);
        assertMatch(endpoint.log.of("WARN").join(), /answers again, after 6\d\.\d s/);
      });
    }
  }
});

Deno.test("a CircuitBreaker that has closed needs as much as before to open again", async () => {
  const endpoint = new Endpoint();
  endpoint.fail(20);
  const permit = await endpoint.breaker.enter(aDelivery());
  endpoint.record(NO_RESPONSE, { permit });
  endpoint.breaker.leave(permit);
  endpoint.record(SUCCESS);
  endpoint.fail(19);
  assertEquals(endpoint.isClosed, true);
});

Deno.test("a CircuitBreaker turns calls away whose lease is ending", async () => {
  const endpoint = new Endpoint({ backoff: NO_END });
  const { breaker } = endpoint;
  const [ending, other] = [new LeaseController(), new LeaseController()];
  endpoint.fail(20);
  const turn = breaker.enter(aDelivery(ending, 0));
  const kept = breaker.enter(aDelivery(other, 0));
  ending.beginEnd();
  await assertRejects(() => turn, EventNotSettledError);
  await assertRejects(() => breaker.enter(aDelivery(ending, 0)), EventNotSettledError);

  endpoint.record(SUCCESS);
  assertEquals(await kept, breaker.permit);
});

Deno.test("a CircuitBreaker probes for a lease that is open, when another one is suspended", async () => {
  const endpoint = new Endpoint();
  const { breaker } = endpoint;
  const [suspended, open] = [new OpenPartition(), new OpenPartition()];
  endpoint.fail(20);
  suspended.lease.suspend();
  const held = breaker.enter(suspended.at(1));
  const permit = await breaker.enter(open.at(2));
  assertEquals(permit.probe?.event.position, 2);

  breaker.leave(permit);
  suspended.lease.resume();
  assertEquals((await held).probe?.event.position, 1);
});

Deno.test("a CircuitBreaker takes the probe from a lease that is suspended before the call", async () => {
  const endpoint = new Endpoint();
  const { breaker } = endpoint;
  const [suspended, open] = [new OpenPartition(), new OpenPartition()];
  endpoint.fail(20);
  const first = await breaker.enter(suspended.at(1));
  const second = breaker.enter(open.at(2));
  suspended.lease.suspend();
  assertEquals((await second).probe?.event.position, 2);
  assertEquals(breaker.admits(first), false);
  assertEquals(breaker.admits(await second), true);
});

Deno.test("a CircuitBreaker does not admit a call that got its permit before the outage", () => {
  const endpoint = new Endpoint();
  const permit = endpoint.breaker.permit!;
  assertEquals(endpoint.breaker.admits(permit), true);
  endpoint.fail(20);
  assertEquals(endpoint.breaker.admits(permit), false);
});

Deno.test("a CircuitBreaker leaves the endpoint alone as long as that asked for", async () => {
  using timers = new FakeTimers();
  const endpoint = new Endpoint();
  const { breaker } = endpoint;
  endpoint.fail(19);
  endpoint.nowMs += 300;
  endpoint.record(aResult("onError", { retryAfterMs: 60_000 }));
  endpoint.nowMs += 1000;
  const lease = new LeaseController();
  const probe = breaker.enter(aDelivery(lease, 0));
  assertEquals(timers.delaysMs, [59_000]);
  endpoint.nowMs += 59_000;
  timers.fire(0);
  const permit = await probe;
  endpoint.record(aResult("onError", { retryAfterMs: 30_000 }), { permit });
  breaker.leave(permit);
  void breaker.enter(aDelivery(lease, 1));
  assertEquals(timers.delaysMs, [30_000]);
});

Deno.test("a CircuitBreaker heeds nothing that was asked for before the endpoint answered well", async () => {
  using timers = new FakeTimers();
  const endpoint = new Endpoint();
  endpoint.record(aResult("onError", { retryAfterMs: 3_600_000 }));
  endpoint.record(SUCCESS);
  endpoint.fail(20);
  const permit = await endpoint.breaker.enter(aDelivery());
  assertEquals([permit.probe?.event.position, timers.count], [0, 0]);
});

const DOUBLING = {
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  multiplier: 2,
  jitter: "none",
} as const;

/** A breaker during an outage, and its pauses. */
class Probed extends Endpoint {
  readonly #lease = new LeaseController();
  #turn: Promise<Permit>;

  constructor(readonly timers: FakeTimers) {
    super({ backoff: DOUBLING });
    this.fail(20);
    this.#turn = this.breaker.enter(aDelivery(this.#lease, 0));
  }

  /** How long the next probe is waited for. */
  get pauseMs(): number {
    return this.timers.delaysMs[0]!;
  }

  /** Lets the pause pass, has the probe fail, and another event wait. */
  async failNext({ isResponse }: { isResponse: boolean }): Promise<void> {
    this.nowMs += this.pauseMs;
    this.timers.fire(0);
    const permit = await this.#turn;
    this.#turn = this.breaker.enter(aDelivery(this.#lease, 0));
    this.record(isResponse ? aResult("onError") : NO_RESPONSE, { permit });
    this.breaker.leave(permit);
  }
}

Deno.test("a CircuitBreaker pauses for longer from probe to probe, up to an eighth of the outage so far", async () => {
  using timers = new FakeTimers();
  const endpoint = new Probed(timers);
  const startedAtMs = 0;
  let lastMs = 0;
  while (lastMs < 30_000) {
    const { pauseMs } = endpoint;
    assert(pauseMs >= lastMs);
    assert(pauseMs <= Math.max(500, Math.ceil((endpoint.nowMs - startedAtMs) / 8)));
    lastMs = pauseMs;
    await endpoint.failNext({ isResponse: false });
  }
});

Deno.test("a CircuitBreaker starts again from the shortest pause, when a probe gets a response after none", async () => {
  using timers = new FakeTimers();
  const endpoint = new Probed(timers);
  while (endpoint.pauseMs < 5000) await endpoint.failNext({ isResponse: false });
  await endpoint.failNext({ isResponse: true });
  assertEquals(endpoint.pauseMs, 500);
  await endpoint.failNext({ isResponse: true });
  assertEquals(endpoint.pauseMs, 1000);
});

Deno.test("a CircuitBreaker probes sooner, when a call from before the outage gets a response after none", async () => {
  using timers = new FakeTimers();
  const endpoint = new Probed(timers);
  while (endpoint.pauseMs < 5000) await endpoint.failNext({ isResponse: false });
  endpoint.record(aResult("onError"));
  assertEquals(timers.delaysMs, [500]);
});

Deno.test("a CircuitBreaker says when an outage begins, each time", () => {
  const endpoint = new Endpoint();
  const first = endpoint.breaker.outageBegins;
  endpoint.fail(19);
  assertEquals(first.aborted, false);
  endpoint.fail(2);
  assertEquals(first.aborted, true);

  endpoint.record(SUCCESS);
  const second = endpoint.breaker.outageBegins;
  assertEquals(second.aborted, false);
  endpoint.fail(20);
  assertEquals(second.aborted, true);
});

Deno.test("a CircuitBreaker keeps no timer when nobody waits", async () => {
  using timers = new FakeTimers();
  const endpoint = new Endpoint({ backoff: NO_END });
  const lease = new LeaseController();
  endpoint.fail(20);
  const turn = endpoint.breaker.enter(aDelivery(lease, 0)).catch(() => {});
  await promisesSettled();
  assertEquals(timers.count, 1);
  lease.end();
  await turn;
  assertEquals(timers.count, 0);
});
