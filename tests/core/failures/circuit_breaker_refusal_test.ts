import { assertEquals, assertRejects } from "@std/assert";
import { CircuitBreaker, type Permit } from "../../../src/core/failures/circuit_breaker.ts";
import { HandlerError } from "../../../src/core/handler.ts";
import { PipelineHealth } from "../../../src/core/health.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import { bytes } from "../../support/events.ts";
import { promisesSettled } from "../../support/eventually.ts";
import { aResult } from "../../support/fakes/handler.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { OpenPartition } from "../../support/kafka/open_partition.ts";

const REASON = "the endpoint refuses the credentials of 'auth' with 401";
const LOGGED = `ERROR - ${REASON}; until that is repaired, one call is tried every 5 s`;

const REFUSED = aResult("onError", { status: "401", refusal: { reason: REASON } });
const DOUBTFUL = aResult("onError", {
  status: "403",
  refusal: { reason: REASON, mayConcernEventOnly: true },
});

const OUTCOMES = {
  "a success": aResult(),
  "a 404": aResult("onError", { status: "404", suggestsOutage: false }),
  "a 503 of an endpoint that is not shown who calls": aResult("onError", { status: "503" }),
  "a 503 that may come before the check": aResult("onError", { isBeforeAccessCheck: true }),
  "no response": new HandlerError("no response"),
};

type Outcome = keyof typeof OUTCOMES;

/** A breaker of an endpoint that may refuse this client. */
class World implements Disposable {
  readonly log = new RecordedLog();
  readonly health = new PipelineHealth();
  readonly timers = new FakeTimers();
  readonly partition = new OpenPartition();
  nowMs = 1000;
  readonly breaker = new CircuitBreaker({
    log: this.log.log,
    health: this.health,
    startsHalfOpen: true,
    now: () => this.nowMs,
  });
  /** Who has got a permit, in that order. */
  readonly permits: Permit[] = [];
  /** Names of the errors of those that were turned away. */
  readonly turnedAway: string[] = [];
  #offset = 0;

  /** So many calls come; resolves when all have gone or wait. */
  async come(count = 1, partition = this.partition): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { permit } = this.breaker;
      if (permit !== null) this.permits.push(permit);
      else {
        this.breaker.enter(partition.at(this.#offset++)).then(
          (permit) => this.permits.push(permit),
          (error) => this.turnedAway.push(error.name),
        );
      }
    }
    await promisesSettled();
  }

  async end(outcome: Outcome | typeof REFUSED | HandlerError, call: number): Promise<void> {
    const permit = this.permits[call]!;
    const recorded = typeof outcome === "string" ? OUTCOMES[outcome] : outcome;
    this.breaker.record(recorded, bytes("key"), permit);
    this.breaker.leave(permit);
    await promisesSettled();
  }

  /** The call is not made. */
  async leave(call: number): Promise<void> {
    this.breaker.leave(this.permits[call]!);
    await promisesSettled();
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    if (this.timers.count > 0) this.timers.fire(0);
    await promisesSettled();
  }

  get gone(): number {
    return this.permits.length;
  }

  [Symbol.dispose](): void {
    this.partition.lease.end();
    this.timers[Symbol.dispose]();
  }
}

/** A world in which a first call was accepted, so that all may go. */
async function openWorld(): Promise<World> {
  const world = new World();
  await world.come();
  await world.end("a success", 0);
  return world;
}

Deno.test("a CircuitBreaker lets one call go first, and all others once it has ended without a refusal", async (t) => {
  for (const outcome of Object.keys(OUTCOMES) as Outcome[]) {
    await t.step(outcome, async () => {
      using world = new World();
      await world.come(10);
      assertEquals(world.gone, 1);
      await world.end(outcome, 0);
      assertEquals(world.gone, 10);
      await world.come();
      assertEquals(world.gone, 11);
      assertEquals(world.log.lines, []);
    });
  }
});

Deno.test("a CircuitBreaker holds all calls back after a refusal of any kind", async (t) => {
  const refusals = {
    "an error response": REFUSED,
    "no token, or a certificate": new HandlerError(REASON, { wasSent: false, isRefusal: true }),
  };
  for (const [name, refusal] of Object.entries(refusals)) {
    await t.step(name, async () => {
      using world = await openWorld();
      await world.come(2);
      await world.end(refusal, 1);
      assertEquals(world.breaker.permit, null);
      assertEquals(world.log.lines, [LOGGED]);
      assertEquals(world.health.reasons(), [REASON]);
    });
  }
});

Deno.test("a CircuitBreaker lets the next call go 5 s after one that was refused", async () => {
  using world = new World();
  await world.come(4);
  await world.pass(1000);
  await world.end(REFUSED, 0);
  await world.pass(4999);
  assertEquals(world.gone, 1);
  await world.pass(1);
  assertEquals(world.gone, 2);
  await world.end(REFUSED, 1);
  await world.pass(4999);
  assertEquals(world.gone, 2);
  await world.pass(1);
  assertEquals(world.gone, 3);
});

Deno.test("a CircuitBreaker lets another call go after 5 s when the first one takes longer", async () => {
  using world = new World();
  await world.come(3);
  await world.pass(4999);
  assertEquals(world.gone, 1);
  await world.pass(1);
  assertEquals(world.gone, 2);
  await world.end("a success", 1);
  assertEquals(world.gone, 3);
  await world.end(REFUSED, 0);
  assertEquals(world.breaker.permit, world.permits[2]);
});

Deno.test("a CircuitBreaker opens when one of many is refused, and heeds no call from before", async () => {
  using world = await openWorld();
  await world.come(3);
  await world.end(REFUSED, 1);
  assertEquals(world.breaker.permit, null);
  await world.come(2);
  await world.end("a success", 2);
  await world.end(REFUSED, 3);
  assertEquals(world.gone, 4);
  await world.pass(5000);
  assertEquals(world.gone, 5);
  await world.end("a success", 4);
  assertEquals(world.gone, 6);
});

Deno.test("a CircuitBreaker says once what is refused, while it is, and once that calls are accepted", async () => {
  using world = new World();
  await world.come(6);
  await world.end(REFUSED, 0);
  assertEquals(world.health.reasons(), [REASON]);
  await world.pass(5000);
  await world.end(REFUSED, 1);
  await world.pass(5000);
  await world.end(new HandlerError("the certificate has expired", { isRefusal: true }), 2);
  assertEquals(world.health.reasons(), ["the certificate has expired"]);
  await world.pass(5000);
  await world.end("a success", 3);
  await world.come();
  await world.end("a success", 4);
  assertEquals(world.log.lines, [
    LOGGED,
    "ERROR - the certificate has expired; until that is repaired, one call is tried every 5 s",
    "WARN - the endpoint accepts calls again, after 15.0 s",
  ]);
  assertEquals(world.health.reasons(), []);
});

Deno.test("a CircuitBreaker closes after a refusal only for a call that was accepted", async (t) => {
  const closes: [Outcome, boolean][] = [
    ["a success", true],
    ["a 404", true],
    ["a 503 of an endpoint that is not shown who calls", true],
    ["a 503 that may come before the check", false],
    ["no response", false],
  ];
  for (const [outcome, isClosed] of closes) {
    await t.step(outcome, async () => {
      using world = new World();
      await world.come(5);
      await world.end(REFUSED, 0);
      await world.pass(5000);
      await world.end(outcome, 1);
      assertEquals(world.health.reasons(), isClosed ? [] : [REASON]);
      if (isClosed) return assertEquals(world.gone, 5);
      assertEquals(world.gone, 2);
      await world.pass(4999);
      assertEquals(world.gone, 2);
      await world.pass(1);
      assertEquals(world.gone, 3);
      await world.end("a success", 2);
      assertEquals(world.gone, 5);
    });
  }
});

Deno.test("a CircuitBreaker opens for refusals that may concern one event only at the fifth in a row", async (t) => {
  await t.step("of calls that were under way together", async () => {
    using world = await openWorld();
    await world.come(5);
    for (const call of [1, 2, 3, 4]) await world.end(DOUBTFUL, call);
    assertEquals(world.log.lines, []);
    await world.end(DOUBTFUL, 5);
    assertEquals(world.log.lines, [LOGGED]);
    await world.come();
    await world.pass(4999);
    assertEquals(world.gone, 6);
    await world.pass(1);
    assertEquals(world.gone, 7);
  });
  await t.step("whatever goes without a response between them", async () => {
    using world = await openWorld();
    for (let call = 1; call <= 8; call += 2) {
      await world.come(2);
      await world.end(DOUBTFUL, call);
      await world.end("no response", call + 1);
    }
    assertEquals(world.log.lines, []);
    await world.come();
    await world.end(DOUBTFUL, 9);
    assertEquals(world.log.lines, [LOGGED]);
  });
  await t.step("and starts from none with each call that is accepted", async () => {
    using world = await openWorld();
    for (let call = 1; call <= 20; call += 5) {
      await world.come(5);
      for (const doubtful of [0, 1, 2, 3]) await world.end(DOUBTFUL, call + doubtful);
      await world.end("a success", call + 4);
    }
    assertEquals(world.log.lines, []);
  });
  await t.step("and at the first one while nobody was accepted", async () => {
    using world = new World();
    await world.come();
    await world.end(DOUBTFUL, 0);
    assertEquals(world.log.lines, [LOGGED]);
  });
  await t.step("and at the first one of those that find out whether it works again", async () => {
    using world = await openWorld();
    await world.come(2);
    await world.end(REFUSED, 1);
    await world.come(2);
    await world.pass(5000);
    await world.end(DOUBTFUL, 3);
    await world.pass(4999);
    assertEquals(world.gone, 4);
  });
});

Deno.test("a CircuitBreaker lets the next call go at once when one was not made, and after a refusal in 5 s", async () => {
  using world = new World();
  await world.come(3);
  await world.leave(0);
  assertEquals(world.gone, 2);
  await world.end(REFUSED, 1);
  await world.pass(5000);
  await world.leave(2);
  await world.come();
  assertEquals(world.gone, 3);
  await world.pass(5000);
  assertEquals(world.gone, 4);
});

Deno.test("a CircuitBreaker turns away, as a lease ends, whoever would have to pause after a refusal, and no one else", async () => {
  using world = new World();
  const ending = new OpenPartition();
  // What the others would leave behind them is a gap.
  ending.begin(100);
  await world.come(3, ending);
  await world.come(1);
  ending.lease.beginEnd();
  await promisesSettled();
  assertEquals(world.turnedAway, []);
  await world.end(REFUSED, 0);
  assertEquals(world.turnedAway, ["EventNotSettledError", "EventNotSettledError"]);
  await assertRejects(() => world.breaker.enter(ending.at(0)), EventNotSettledError);
  await world.pass(5000);
  assertEquals(world.gone, 2);
});

Deno.test("a CircuitBreaker tries a call at once with new credentials, and heeds no call with earlier ones", async () => {
  using world = await openWorld();
  await world.come(2);
  await world.end(REFUSED, 1);
  await world.come(2);
  assertEquals(world.gone, 3);
  world.breaker.renew();
  await promisesSettled();
  assertEquals(world.gone, 4);
  await world.end(REFUSED, 2);
  await world.end("a success", 3);
  assertEquals(world.gone, 5);
  assertEquals(world.log.of("WARN").length, 1);
});

Deno.test("a CircuitBreaker sees an outage when refusals go on, and still tries a call every 5 s", async () => {
  using world = await openWorld();
  await world.come(25);
  for (let call = 1; call <= 25; call++) {
    world.breaker.record(REFUSED, bytes(`${call}`), world.permits[call]!);
  }
  await world.come();
  await world.pass(5000);
  assertEquals([world.gone, world.breaker.isOutage], [27, false]);
  await world.end(REFUSED, 26);
  assertEquals([world.breaker.isOutage, world.health.reasons()], [true, [REASON]]);
  await world.come();
  await world.pass(4999);
  assertEquals(world.gone, 27);
  await world.pass(1);
  assertEquals(world.gone, 28);
  await world.end("a success", 27);
  assertEquals([world.breaker.isOutage, world.health.reasons()], [false, []]);
});
