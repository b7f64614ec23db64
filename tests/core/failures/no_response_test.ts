import { assertEquals, assertMatch } from "@std/assert";
import type { InboundEvent } from "../../../src/core/event.ts";
import { CircuitBreaker } from "../../../src/core/failures/circuit_breaker.ts";
import {
  type CallHistory,
  classify,
  countUnanswered,
} from "../../../src/core/failures/classify.ts";
import type { FailurePolicy } from "../../../src/core/failure_policy.ts";
import { attemptsFor } from "../../../src/core/failures/retry.ts";
import { UnansweredCalls } from "../../../src/core/failures/unanswered_calls.ts";
import { HandlerError } from "../../../src/core/handler.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { runPipeline } from "../../../src/core/pipeline/pipeline.ts";
import { eventually, everythingSettled } from "../../support/eventually.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { FailingPipeline, NO_RESPONSE } from "../../support/fakes/failing_pipeline.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { DEFAULT_FAILURE_POLICY, NO_END, runParts } from "../../support/fakes/run_parts.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const RETRY = { maxAttempts: 3 };
const POLICY: FailurePolicy = { retry: RETRY, noResponse: RETRY, onFailure: "deadLetter" };

/** Calls for events at an endpoint, one after the other; time passes only by `pass()`. */
class Calls {
  readonly #log = new RecordedLog().log;
  readonly #policy: FailurePolicy;
  readonly #breaker: CircuitBreaker;
  readonly #unansweredCalls = new UnansweredCalls({ now: () => this.#nowMs });
  #nowMs = 0;

  constructor({ policy = POLICY }: { policy?: FailurePolicy } = {}) {
    this.#policy = policy;
    this.#breaker = new CircuitBreaker({ log: this.#log, now: () => this.#nowMs });
  }

  get #options() {
    return {
      breaker: this.#breaker,
      unansweredCalls: this.#unansweredCalls,
      policy: this.#policy,
      takesErrors: false,
    };
  }

  /** A call for an event gets no response. */
  fail(history: CallHistory, error = new HandlerError("no response")): CallHistory {
    this.#record(error);
    const attempts = history.attempts ??= attemptsFor(anEvent(), { log: this.#log });
    attempts.fail();
    classify(error, { ...this.#options, attempts, history });
    return history;
  }

  /** A call for another event is answered. */
  answer(result = aResult()): void {
    this.#unansweredCalls.recordResponse();
    this.#record(result);
  }

  /** The pause of an event ends. Returns how many attempts count then, and whether the event has failed for good. */
  endPause(history: CallHistory): [counted: number, reason: string | undefined] {
    const failure = countUnanswered(history, this.#options);
    return [history.attempts?.soFar.counted ?? 0, failure?.reason];
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  breakDown(): void {
    for (let call = 0; call < 20; call++) {
      this.#nowMs += 300;
      this.#record(new HandlerError("no response"), `${call}`);
    }
  }

  #record(outcome: ReturnType<typeof aResult> | HandlerError, key = "key"): void {
    this.#breaker.record(outcome, bytes(key), this.#breaker.permit ?? {});
  }
}

Deno.test("an unanswered call counts when the endpoint has answered another one before the next attempt", () => {
  for (const answer of [aResult(), aResult("onError")]) {
    const calls = new Calls();
    const history = calls.fail({});
    calls.answer(answer);
    assertEquals(calls.endPause(history), [1, undefined]);
    assertEquals(calls.endPause(history), [1, undefined], "once");
  }
});

Deno.test("an unanswered call does not count when nobody has been answered since", () => {
  const calls = new Calls();
  calls.answer();
  const history = calls.fail({});
  calls.fail({});
  assertEquals(calls.endPause(history), [0, undefined]);
  calls.answer();
  assertEquals(calls.endPause(history), [0, undefined], "the next attempt is under way");
});

Deno.test("an unanswered call does not count when others went unanswered, too, before the next response", () => {
  const calls = new Calls();
  calls.answer();
  const histories = [calls.fail({}), calls.fail({})];
  calls.pass(300);
  calls.answer();
  assertEquals(histories.map((history) => calls.endPause(history)), [[0, undefined], [
    0,
    undefined,
  ]]);
});

Deno.test("a call that was not sent does not count", () => {
  const calls = new Calls();
  const history = calls.fail({}, new HandlerError("connection refused", { wasSent: false }));
  calls.answer();
  assertEquals(calls.endPause(history), [0, undefined]);
});

Deno.test("an unanswered call does not count when an outage has begun since, even if that is over", () => {
  const calls = new Calls();
  const history = calls.fail({});
  calls.breakDown();
  calls.answer();
  assertEquals(calls.endPause(history), [0, undefined]);
});

Deno.test("an event has failed for good when its attempts are used up, unless it blocks", () => {
  for (const onFailure of ["deadLetter", "discard", "block"] as const) {
    const calls = new Calls({ policy: { ...POLICY, onFailure } });
    const history: CallHistory = {};
    for (const counted of [1, 2, 3]) {
      calls.fail(history);
      calls.answer();
      const isFinal = counted === 3 && onFailure !== "block";
      assertEquals(calls.endPause(history), [counted, isFinal ? "noResponse" : undefined]);
    }
  }
});

Deno.test("it takes two unanswered calls that count, even if none is to be repeated: one may be chance", () => {
  const calls = new Calls({ policy: { ...POLICY, noResponse: null } });
  const history: CallHistory = {};
  for (const expected of [[1, undefined], [2, "noResponse"]]) {
    calls.fail(history);
    calls.answer();
    assertEquals(calls.endPause(history), expected);
  }
});

Deno.test("runPipeline() repeats the call, when there was no response", async () => {
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(new HandlerError("no response from 'POST http://a/'"), aResult());
  const log = new RecordedLog();

  await runParts({ listener, handler, log: log.log });

  assertEquals(handler.calls, ["MY_FIRST_TOPIC[0]@184", "MY_FIRST_TOPIC[0]@184"]);
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
  assertEquals(log.of("ERROR"), [
    "cannot handle MY_FIRST_TOPIC[0]@184: no response from 'POST http://a/'; trying again in 0.0 s",
  ]);
});

Deno.test("runPipeline() pauses before it repeats the call", async () => {
  const lease = new LeaseController();
  const handler = new FakeHandler(new HandlerError("no response"), aResult());
  const log = new RecordedLog();
  const running = runParts(
    { listener: new FakeListener(anEvent()), handler, log: log.log, backoff: NO_END },
    lease,
  );

  await eventually(() => log.of("ERROR").length === 1, { what: "the first attempt fails" });
  await everythingSettled();
  assertEquals(handler.calls.length, 1);

  lease.end();
  await running;
});

Deno.test("runPipeline() pauses for at most half a second before the second call by default", async () => {
  const handler = new FakeHandler(new HandlerError("no response"), aResult());
  const log = new RecordedLog();

  await runPipeline({
    name: "orders",
    listener: new FakeListener(anEvent()),
    handler,
    resultProcessors: [],
    policy: DEFAULT_FAILURE_POLICY,
    onTombstone: "send",
    breaker: new CircuitBreaker({ log: log.log }),
    ordering: "key",
    concurrency: 32,
    log: log.log,
  }, new LeaseController());

  assertEquals(handler.calls.length, 2);
  assertMatch(log.of("ERROR").join("\n"), /; trying again in 0\.[0-5] s$/);
});

Deno.test("runPipeline() logs at DEBUG that there was no response, when the breaker has logged a refusal", async () => {
  const lease = new LeaseController();
  const error = new HandlerError("certificate not accepted", { isRefusal: true });
  const log = new RecordedLog();
  const listener = new FakeListener(anEvent());
  const running = runParts({ listener, handler: new FakeHandler(error), log: log.log }, lease);

  await log.line(/DEBUG.*certificate not accepted; trying again/);
  assertEquals(log.of("ERROR"), [
    "certificate not accepted; until that is repaired, one call is tried every 5 s",
  ]);
  lease.end();
  await running;
});

Deno.test("runPipeline() counts an unanswered call, when others get responses meanwhile", async () => {
  const others = new FakeListener(
    anEvent({ offset: 1, key: bytes("bad") }),
    ...Array.from({ length: 20 }, (_, index) => anEvent({ offset: 2 + index, key: null })),
  );
  const failing = new FailingPipeline(new FakeHandler(aResult()), { listener: others });
  const handler = {
    ...failing.handler,
    handle: async ({ position }: InboundEvent) => {
      await everythingSettled();
      if (position === 1) throw NO_RESPONSE;
      return aResult();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await failing.run({ handler });
  assertEquals(failing.deadLetters.stored.length, 1);
  assertEquals(failing.successes.stored.length, 20);
});

Deno.test("runPipeline() never counts a call that was not sent", async () => {
  const unsent = new HandlerError("connection refused", { wasSent: false });
  let calls = 0;
  const listener = new FakeListener(
    anEvent({ offset: 1, key: bytes("bad") }),
    ...Array.from({ length: 20 }, (_, index) => anEvent({ offset: 2 + index, key: null })),
  );
  const failing = new FailingPipeline(new FakeHandler(aResult()), { listener });
  const handler = {
    handle: async ({ position }: InboundEvent) => {
      await everythingSettled();
      if (position === 1 && calls++ < 10) throw unsent;
      return aResult();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await failing.run({ handler });
  assertEquals(failing.deadLetters.stored, []);
  assertEquals(failing.successes.stored.length, 21);
});
