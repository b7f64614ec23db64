import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import type { Backoff } from "../../src/core/backoff.ts";
import type { FailurePolicy } from "../../src/core/failures/failure_policy.ts";
import { OutageGuard } from "../../src/core/failures/outage_guard.ts";
import { attemptsFor } from "../../src/core/failures/retry.ts";
import { Silences } from "../../src/core/failures/silences.ts";
import { failureBySilence, type History, judge } from "../../src/core/failures/verdict.ts";
import { type ErrorResult, HandlerError, type Result } from "../../src/core/handler.ts";
import { LeaseController } from "../../src/core/lease.ts";
import { promisesSettled } from "../support/eventually.ts";
import { anEvent } from "../support/events.ts";
import { aResult, FakeHandler } from "../support/fakes/handler.ts";
import { FakeListener } from "../support/fakes/listener.ts";
import { FakeResultProcessor } from "../support/fakes/result_processor.ts";
import { FakeTimers } from "../support/fakes/timers.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { runParts } from "../support/fakes/run_parts.ts";

const OFFSET = 184;
const BACKOFF: Backoff = { initialDelayMs: 2e9, maxDelayMs: 2e9, multiplier: 1 };

/** An event whose calls fail, with a policy of two calls that count, in a partition that is held up when a test says so. */
class Pausing {
  readonly lease = new LeaseController();
  readonly handler: FakeHandler;
  readonly deadLetters = new FakeResultProcessor();
  readonly log = new RecordedLog();
  readonly running: Promise<void>;

  constructor(
    { handler = new FakeHandler(aResult("onError")), backoff = BACKOFF }: {
      handler?: FakeHandler;
      backoff?: Backoff;
    } = {},
  ) {
    const retry = { maxAttempts: 2, backoff };
    const policy: FailurePolicy = { retry, noResponse: retry, onFailure: "deadLetter" };
    this.handler = handler;
    this.running = runParts({
      listener: new FakeListener(anEvent({ offset: OFFSET })),
      handler,
      deadLetters: this.deadLetters,
      policy,
      log: this.log.log,
    }, this.lease);
  }

  get calls(): number {
    return this.handler.calls.length;
  }
}

/** An event whose next call succeeds, in a pause of which as much has passed as passes at least. */
async function inMidPause(timers: FakeTimers): Promise<Pausing> {
  const pausing = new Pausing({ handler: new FakeHandler(aResult("onError"), aResult()) });
  await promisesSettled();
  timers.fire(0);
  await promisesSettled();
  return pausing;
}

Deno.test("runPipeline() calls for an event early, again after half of the rest, when all of its partition waits for it", async () => {
  using timers = new FakeTimers();
  const pausing = new Pausing();
  const { lease } = pausing;
  await promisesSettled();
  lease.noteObstacle(OFFSET);
  await promisesSettled();
  assertEquals(pausing.calls, 1, "the first part of the pause is left to the endpoint");

  const pauseMs = (timers.delaysMs[0] ?? 0) * 32;
  timers.fire(0);
  await promisesSettled();
  assertEquals([pausing.calls, timers.count], [2, 1]);
  // No time has passed but that of the test itself.
  assertAlmostEquals(timers.delaysMs[0] ?? 0, pauseMs / 2, 1000);

  timers.fire(0);
  await promisesSettled();
  assertEquals([pausing.calls, timers.count], [3, 1]);
  assertEquals(pausing.lease.attemptsOf(OFFSET)?.counted, 1, "the early calls did not count");
  lease.noteObstacle(OFFSET + 1);
  timers.fire(0);
  await promisesSettled();
  assertEquals([pausing.calls, timers.count], [3, 1], "nobody waits for it any more");

  timers.fire(0);
  await pausing.running;
  assertEquals(pausing.handler.attempts, [1, 2, 3, 4]);
  assertEquals(pausing.deadLetters.stored.length, 1);
});

Deno.test("runPipeline() calls for an event early, when all of its partition waits for another one that pauses", async () => {
  using timers = new FakeTimers();
  const pausing = await inMidPause(timers);
  const { lease } = pausing;
  lease.whenHeldUp(OFFSET - 1, () => {});
  lease.noteObstacle(OFFSET - 1);
  await pausing.running;
  assertEquals(pausing.calls, 2);
});

Deno.test("runPipeline() calls at most once within a pause that is short", async () => {
  using timers = new FakeTimers();
  const backoff = { ...BACKOFF, initialDelayMs: 40, maxDelayMs: 40 };
  const pausing = new Pausing({ backoff });
  pausing.lease.noteObstacle(OFFSET);
  for (let pauses = 0; pauses < 2; pauses++) {
    await promisesSettled();
    if (timers.count > 0) timers.fire(0);
  }
  await pausing.running;
  // On a busy machine, the pause is over when the early call has been answered: then that one counts.
  assert(pausing.calls <= 3, `${pausing.calls} calls`);
  assertEquals(pausing.deadLetters.stored.length, 1);
});

Deno.test("runPipeline() counts a call that came early, when it is answered after the end of the pause", async () => {
  using timers = new FakeTimers();
  const answer = Promise.withResolvers<Result>();
  const backoff = { ...BACKOFF, initialDelayMs: 1, maxDelayMs: 1 };
  const handler = new FakeHandler(aResult("onError"), answer.promise);
  const pausing = new Pausing({ handler, backoff });
  pausing.lease.noteObstacle(OFFSET);
  await promisesSettled();
  timers.fire(0);
  await promisesSettled();
  assertEquals(pausing.calls, 2);
  const answeredMs = performance.now() + 2;
  while (performance.now() < answeredMs) await promisesSettled();
  answer.resolve(aResult("onError"));
  await pausing.running;
  assertEquals([pausing.calls, pausing.deadLetters.stored.length], [2, 1]);
});

const RETRY = { maxAttempts: 1000, backoff: BACKOFF };
const POLICY: FailurePolicy = { retry: RETRY, noResponse: RETRY, onFailure: "deadLetter" };

/** What outcomes are judged by, at a time that a test sets. */
class Judging {
  readonly #clock = { nowMs: 0 };
  readonly #log = new RecordedLog().log;
  readonly #now = { now: () => this.#clock.nowMs };
  readonly silences = new Silences(this.#now);
  readonly guard = new OutageGuard({ log: this.#log }, this.#now);
  readonly parts = {
    guard: this.guard,
    silences: this.silences,
    policy: POLICY,
    takesErrors: false,
  };

  pass(ms: number): void {
    this.#clock.nowMs += ms;
  }

  /** Judges a call for another event than before. @param dueMs when it came early */
  judge(outcome: ErrorResult | HandlerError, dueMs?: number): { history: History } {
    const event = anEvent({ key: null });
    const attempts = attemptsFor(event, { log: this.#log });
    attempts.fail();
    const history: History = { attempts };
    judge(outcome, event, { ...this.parts, attempts, history, dueMs });
    return { history };
  }
}

Deno.test("judge() takes no calls that came early for an outage, until there is one", () => {
  const judging = new Judging();
  const outcomes = [aResult("onError") as ErrorResult, new HandlerError("no response")];
  const judgeAll = (dueMs?: number) => {
    for (let call = 0; call < 100; call++) {
      judging.pass(100);
      judging.judge(outcomes[call % 2]!, dueMs);
    }
  };
  judgeAll(Infinity);
  assertEquals(judging.guard.isOpen, false);
  judgeAll();
  assertEquals(judging.guard.isOpen, true);
});

Deno.test("judge() takes calls that fail for want of something on this machine for no outage", () => {
  const judging = new Judging();
  for (let call = 0; call < 100; call++) {
    judging.pass(100);
    judging.judge(
      new HandlerError("too many open connections", { wasSent: false, isForWant: true }),
    );
  }
  assertEquals(judging.guard.isOpen, false);
  for (let call = 0; call < 100; call++) {
    judging.pass(100);
    judging.judge(new HandlerError("connection refused", { wasSent: false }));
  }
  assertEquals(judging.guard.isOpen, true);
});

Deno.test("judge() takes calls that came early for an outage when they are the last ones for their events", () => {
  const judging = new Judging();
  const forbidden = { status: "403", isTransient: false };
  for (let call = 0; call < 100; call++) {
    judging.pass(100);
    judging.judge(aResult("onError", forbidden) as ErrorResult, Infinity);
  }
  assertEquals(judging.guard.isOpen, true);
});

Deno.test("judge() takes an early call without a response for a sign that the endpoint, not an event, is to blame", () => {
  for (const isAlone of [false, true]) {
    const judging = new Judging();
    judging.silences.noteResponse();
    judging.pass(10);
    const { history } = judging.judge(new HandlerError("reset"));
    if (!isAlone) judging.judge(new HandlerError("reset"), Infinity);
    judging.pass(1000);
    judging.silences.noteResponse();

    failureBySilence(history, judging.parts);
    assertEquals(history.attempts?.counted, isAlone ? 1 : 0);
  }
});

Deno.test("judge() does not count an early call without a response, even if it is the event's own fault", () => {
  const judging = new Judging();
  judging.silences.noteResponse();
  const { history } = judging.judge(new HandlerError("reset"), Infinity);
  judging.silences.noteResponse();

  assertEquals(failureBySilence(history, judging.parts), null);
  assertEquals(history.attempts?.counted, 0);
});

Deno.test("runPipeline() calls for an event when all of its partition comes to wait for it, and not for another one", async () => {
  using timers = new FakeTimers();
  const pausing = await inMidPause(timers);
  const { lease } = pausing;
  lease.noteObstacle(OFFSET + 1);
  await promisesSettled();
  assertEquals([pausing.calls, timers.count], [1, 1]);

  lease.noteObstacle(OFFSET);
  await pausing.running;
  assertEquals(pausing.calls, 2);
});

Deno.test("runPipeline() keeps to a pause of a certain length, whoever waits", async (t) => {
  const cases = [
    { what: "jitter: none", backoff: { ...BACKOFF, jitter: "none" as const } },
    { what: "Retry-After", handler: new FakeHandler(aResult("onError", { retryAfterMs: 1 })) },
    { what: "overload", handler: new FakeHandler(aResult("onError", { isOverload: true })) },
  ];
  for (const { what, ...parts } of cases) {
    await t.step(what, async () => {
      using timers = new FakeTimers();
      const pausing = new Pausing(parts);
      pausing.lease.noteObstacle(OFFSET);
      await promisesSettled();
      assertEquals([pausing.calls, timers.count], [1, 1]);

      timers.fire(0);
      await pausing.running;
      assertEquals(pausing.calls, 2);
    });
  }
});

Deno.test("runPipeline() goes on with a pause for as long as an early call is told to", async () => {
  using timers = new FakeTimers();
  const pausing = new Pausing({
    handler: new FakeHandler(
      aResult("onError"),
      aResult("onError", { retryAfterMs: 3e9 }),
      aResult(),
    ),
  });
  pausing.lease.noteObstacle(OFFSET);
  await promisesSettled();
  timers.fire(0);
  await promisesSettled();
  assertMatch(pausing.log.of("ERROR").at(-1) ?? "", /trying again in 3000000\.0 s$/);

  timers.fire(0);
  await pausing.running;
  assertEquals(pausing.calls, 3);
});

Deno.test("runPipeline() calls early no more within a pause, once an early call has met an overload", async () => {
  using timers = new FakeTimers();
  const overload = aResult("onError", { isOverload: true });
  const pausing = new Pausing({
    handler: new FakeHandler(aResult("onError"), overload, aResult()),
  });
  pausing.lease.noteObstacle(OFFSET);
  await promisesSettled();
  const pauseMs = (timers.delaysMs[0] ?? 0) * 32;
  timers.fire(0);
  await promisesSettled();
  assertEquals([pausing.calls, timers.count], [2, 1]);
  // No time has passed but that of the test itself.
  assertAlmostEquals(timers.delaysMs[0] ?? 0, pauseMs, 1000);

  timers.fire(0);
  await pausing.running;
  assertEquals(pausing.calls, 3);
});

Deno.test("runPipeline() does not count an early call that brought no response", async () => {
  using timers = new FakeTimers();
  const pausing = new Pausing({
    handler: new FakeHandler(aResult("onError"), new HandlerError("no response"), aResult()),
  });
  pausing.lease.noteObstacle(OFFSET);
  await promisesSettled();
  timers.fire(0);
  await promisesSettled();
  assertEquals([pausing.calls, timers.count], [2, 1]);
  assertEquals(pausing.lease.attemptsOf(OFFSET)?.counted, 1);

  timers.fire(0);
  await pausing.running;
  assertEquals(pausing.calls, 3);
  assertEquals(pausing.deadLetters.stored, []);
});
