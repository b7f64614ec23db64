import { assertEquals } from "@std/assert";
import { CircuitBreaker } from "../../../src/core/failures/circuit_breaker.ts";
import { classify, countUnanswered, type History } from "../../../src/core/failures/classify.ts";
import type { FailurePolicy } from "../../../src/core/failures/failure_policy.ts";
import { attemptsFor } from "../../../src/core/failures/retry.ts";
import { UnansweredCalls } from "../../../src/core/failures/unanswered_calls.ts";
import { HandlerError } from "../../../src/core/handler.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { aResult } from "../../support/fakes/handler.ts";
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
  fail(history: History, error = new HandlerError("no response")): History {
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
  endPause(history: History): [counted: number, reason: string | undefined] {
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
    const history: History = {};
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
  const history: History = {};
  for (const expected of [[1, undefined], [2, "noResponse"]]) {
    calls.fail(history);
    calls.answer();
    assertEquals(calls.endPause(history), expected);
  }
});
