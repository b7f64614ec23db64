import { assert, assertEquals } from "@std/assert";
import { CallSlots } from "../../../src/core/call_slots.ts";
import { CircuitBreaker } from "../../../src/core/failures/circuit_breaker.ts";
import { callHandler } from "../../../src/core/failures/retry.ts";
import { UnansweredCalls } from "../../../src/core/failures/unanswered_calls.ts";
import { type ErrorResponse, HandlerError } from "../../../src/core/handler.ts";
import { aDelivery } from "../../support/fakes/delivery.ts";
import { Delivery } from "../../../src/core/delivery.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { eventually, everythingSettled, promisesSettled } from "../../support/eventually.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { NO_END, NO_WAIT } from "../../support/fakes/run_parts.ts";

/** Calls for an event that fails once and pauses without end; other events' failures make an outage by `breakDown()`. */
class PausingCall {
  readonly handler: FakeHandler;
  readonly lease = new LeaseController();
  readonly #log = new RecordedLog();
  readonly #breaker: CircuitBreaker;
  #nowMs = 0;

  constructor(firstAnswer: ReturnType<typeof aResult> | HandlerError) {
    this.handler = new FakeHandler(firstAnswer, aResult());
    this.#breaker = new CircuitBreaker({
      log: this.#log.log,
      backoff: NO_WAIT,
      now: () => this.#nowMs,
    });
  }

  run() {
    const retry = { maxAttempts: 3, backoff: NO_END };
    const parts = {
      handler: this.handler,
      slots: new CallSlots(32),
      breaker: this.#breaker,
      unansweredCalls: new UnansweredCalls(),
      policy: { retry, noResponse: retry, onFailure: "block" },
      takesErrors: false,
      log: this.#log.log,
    } as const;
    return callHandler(aDelivery(this.lease), parts, {});
  }

  breakDown(): void {
    const permit = this.#breaker.permit!;
    for (let call = 0; call < 20; call++) {
      this.#nowMs += 300;
      this.#breaker.record(new HandlerError("no response"), bytes(`key ${call}`), permit);
    }
  }
}

function asError(error: Partial<ErrorResponse>) {
  return aResult("onError", error);
}

const ENDED_BY_OUTAGE = {
  "no response": new HandlerError("no response"),
  "an error that an outage may bring": asError({ status: "500" }),
};

for (const [name, answer] of Object.entries(ENDED_BY_OUTAGE)) {
  Deno.test(`callHandler() ends a pause after ${name} when an outage begins, and calls at its end`, async () => {
    const call = new PausingCall(answer);
    const running = call.run();
    await eventually(() => call.handler.calls.length === 1, { what: "the first call" });
    await everythingSettled();
    assertEquals(call.handler.calls.length, 1);
    call.breakDown();
    await eventually(() => call.handler.calls.length === 2, { what: "the call after the outage" });
    assertEquals((await running).kind, "result");
  });
}

const NOT_ENDED_BY_OUTAGE = {
  "an error that no outage brings": asError({ status: "408", suggestsOutage: false }),
  "a Retry-After": asError({ status: "503", retryAfterMs: 60_000 }),
};

for (const [name, answer] of Object.entries(NOT_ENDED_BY_OUTAGE)) {
  Deno.test(`callHandler() goes on with a pause after ${name}, though an outage begins`, async () => {
    const call = new PausingCall(answer);
    const running = call.run().catch((error) => error);
    await eventually(() => call.handler.calls.length === 1, { what: "the first call" });
    await everythingSettled();
    call.breakDown();
    await everythingSettled();
    assertEquals(call.handler.calls.length, 1);
    call.lease.end();
    await running;
  });
}

/** Calls for one event alone, which no other tells an outage from; time passes by its pauses. */
class LoneCall {
  nowMs = 0;
  readonly #timers: FakeTimers;
  readonly #running: Promise<unknown>;

  constructor(timers: FakeTimers, { jitter, answers }: {
    jitter: "full" | "none";
    answers: readonly (ReturnType<typeof aResult> | HandlerError)[];
  }) {
    this.#timers = timers;
    const log = new RecordedLog().log;
    const backoff = { initialDelayMs: 500, maxDelayMs: 30_000, multiplier: 2, jitter };
    const retry = { maxAttempts: 3, backoff };
    const parts = {
      handler: new FakeHandler(...answers),
      slots: new CallSlots(32),
      breaker: new CircuitBreaker({ log, now: () => this.nowMs }),
      unansweredCalls: new UnansweredCalls(),
      policy: { retry, noResponse: retry, onFailure: "block" },
      takesErrors: false,
      log,
    } as const;
    const delivery = new Delivery(anEvent({ key: null }), new LeaseController());
    this.#running = callHandler(delivery, parts, {});
  }

  /** How long the pause is that it makes now. */
  async pauseMs(): Promise<number> {
    await promisesSettled();
    assertEquals(this.#timers.count, 1);
    return this.#timers.delaysMs[0]!;
  }

  async pass(): Promise<void> {
    this.nowMs += await this.pauseMs();
    this.#timers.fire(0);
  }

  async end(): Promise<void> {
    await this.#running;
  }
}

const SILENT_CALLS = 15;
const SILENT = Array<HandlerError>(SILENT_CALLS).fill(new HandlerError("no response"));

Deno.test("callHandler() pauses for an eighth of the time at most for which no call at all has worked", async () => {
  using timers = new FakeTimers();
  const call = new LoneCall(timers, { jitter: "full", answers: [...SILENT, aResult()] });
  for (let number = 0; number < SILENT_CALLS; number++) {
    const pauseMs = await call.pauseMs();
    if (call.nowMs >= 5000) assert(pauseMs <= Math.max(500, call.nowMs / 8));
    await call.pass();
  }
  await call.end();
});

Deno.test("callHandler() keeps to pauses that are configured to be exact, however long no call has worked", async () => {
  using timers = new FakeTimers();
  const call = new LoneCall(timers, { jitter: "none", answers: [...SILENT, aResult()] });
  for (let number = 0; number < SILENT_CALLS; number++) {
    assertEquals(await call.pauseMs(), Math.min(500 * 2 ** number, 30_000));
    await call.pass();
  }
  await call.end();
});

Deno.test("callHandler() starts again from the shortest pause, when there is a response after a long time without", async () => {
  using timers = new FakeTimers();
  const starting = asError({ status: "503" });
  const answers = [...SILENT, starting, starting, aResult()];
  const call = new LoneCall(timers, { jitter: "none", answers });
  for (let number = 0; number < SILENT_CALLS; number++) await call.pass();
  for (const expectedMs of [500, 1000]) {
    assertEquals(await call.pauseMs(), expectedMs);
    await call.pass();
  }
  await call.end();
});

Deno.test("callHandler() starts again from the shortest pause, when the response ends an outage", async () => {
  using timers = new FakeTimers();
  const ending = asError({ status: "404", suggestsOutage: false });
  const silent = Array<HandlerError>(25).fill(new HandlerError("no response"));
  const call = new LoneCall(timers, { jitter: "none", answers: [...silent, ending, aResult()] });
  for (const _ of silent) await call.pass();
  assertEquals(await call.pauseMs(), 500);
  await call.pass();
  await call.end();
});
