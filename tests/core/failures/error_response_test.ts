import { assertEquals, assertMatch } from "@std/assert";
import type { FailurePolicy } from "../../../src/core/failure_policy.ts";
import type { PipelineOptions } from "../../../src/core/pipeline/pipeline.ts";
import { eventually, everythingSettled } from "../../support/eventually.ts";
import { anEvent, bytes } from "../../support/events.ts";
import {
  FailingPipeline,
  NO_RESPONSE,
  ORIGIN,
  PERMANENT,
  POLICY,
  RETRY,
  TRANSIENT,
} from "../../support/fakes/failing_pipeline.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { NO_END, NO_WAIT, runParts } from "../../support/fakes/run_parts.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const ONE = { calls: 1, successes: 0, errors: 0, deadLetters: 0 };

const OUTCOMES: {
  name: string;
  handler: () => FakeHandler;
  parts?: Partial<PipelineOptions> & { takesErrors?: boolean };
  expected: Record<string, number>;
}[] = [
  {
    name: "a transient error response is repeated, and the success published",
    handler: () => new FakeHandler(TRANSIENT, TRANSIENT, aResult()),
    expected: { ...ONE, calls: 3, successes: 1 },
  },
  {
    name: "a transient error response goes to onError, when its attempts are used up",
    handler: () => new FakeHandler(TRANSIENT),
    expected: { ...ONE, calls: 3, errors: 1 },
  },
  {
    name: "a transient error response goes to the dead letters, when nobody takes errors",
    handler: () => new FakeHandler(TRANSIENT),
    parts: { takesErrors: false },
    expected: { ...ONE, calls: 3, deadLetters: 1 },
  },
  {
    name: "a transient error response goes to onError at once, without retry",
    handler: () => new FakeHandler(TRANSIENT),
    parts: { policy: { ...POLICY, retry: null } },
    expected: { ...ONE, errors: 1 },
  },
  {
    name: "a permanent error response is never repeated",
    handler: () => new FakeHandler(PERMANENT),
    expected: { ...ONE, errors: 1 },
  },
  {
    name: "a permanent error response goes to the dead letters, when nobody takes errors",
    handler: () => new FakeHandler(PERMANENT),
    parts: { takesErrors: false },
    expected: { ...ONE, deadLetters: 1 },
  },
  {
    name: "an event is discarded, when that is configured",
    handler: () => new FakeHandler(PERMANENT),
    parts: { takesErrors: false, policy: { ...POLICY, onFailure: "discard" } },
    expected: ONE,
  },
  {
    name: "an event that blocks is called for until it succeeds",
    handler: () => new FakeHandler(...Array(10).fill(PERMANENT), aResult()),
    parts: { takesErrors: false, policy: { ...POLICY, onFailure: "block" } },
    expected: { ...ONE, calls: 11, successes: 1 },
  },
  {
    name: "no response is repeated as long as nobody else is answered, beyond all attempts",
    handler: () => new FakeHandler(...Array(10).fill(NO_RESPONSE), aResult()),
    expected: { ...ONE, calls: 11, successes: 1 },
  },
];

for (const { name, handler, parts = {}, expected } of OUTCOMES) {
  Deno.test(`runPipeline(): ${name}`, async () => {
    const failing = new FailingPipeline(handler());
    await failing.run(parts);
    assertEquals(failing.counts, expected);
    assertEquals(failing.listener.outcomes, [`${ORIGIN} settled`]);
  });
}

Deno.test("runPipeline() repeats the call, when its result is an error that no result processor takes", async () => {
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(aResult("onError"), aResult("onError"), aResult("onSuccess"));
  const processor = new FakeResultProcessor();
  const log = new RecordedLog();

  await runParts({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
    log: log.log,
  });

  assertEquals(handler.calls.length, 3);
  assertEquals(processor.stored.length, 1);
  assertEquals(
    log.of("ERROR"),
    Array(2).fill(
      "cannot handle MY_FIRST_TOPIC[0]@184: status 503, and no eventResultProcessor is configured for onError; " +
        "it blocks later events as 'ordering' says; trying again in 0.0 s",
    ),
  );
});

Deno.test("runPipeline() waits as long as a response asks for", async () => {
  const answer = aResult("onError", { retryAfterMs: 40 });
  const failing = new FailingPipeline(new FakeHandler(answer, aResult()));
  const startedAt = performance.now();
  await failing.run();
  assertEquals(performance.now() - startedAt >= 39, true);
});

Deno.test("runPipeline() waits as long as its backoff says, when a response asks for less", async () => {
  const failing = new FailingPipeline(new FakeHandler(aResult("onError", { retryAfterMs: 0 })));
  const running = failing.run({
    policy: { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } },
  });
  await eventually(() => failing.handler.calls.length === 1, { what: "the first call" });
  await everythingSettled();
  assertEquals(failing.handler.calls.length, 1);
  failing.lease.end();
  await running;
});

Deno.test("runPipeline() waits as long as responses ask for, when an event blocks", async () => {
  const answer = aResult("onError", { retryAfterMs: 40 });
  for (const retry of [null, RETRY]) {
    const failing = new FailingPipeline(new FakeHandler(answer, answer, answer, aResult()));
    const policy: FailurePolicy = { ...POLICY, retry, onFailure: "block" };
    const startedAt = performance.now();
    await failing.run({ takesErrors: false, policy });
    assertEquals(performance.now() - startedAt >= 3 * 39, true, `retry: ${retry !== null}`);
  }
});

Deno.test("runPipeline() gives the handler the number of the attempt", async () => {
  const attempts: (number | undefined)[] = [];
  const handler = {
    handle: (_event: unknown, _signal: unknown, attempt?: number) => {
      attempts.push(attempt);
      return Promise.resolve(attempts.length < 3 ? TRANSIENT : aResult());
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await new FailingPipeline(new FakeHandler(aResult())).run({ handler });
  assertEquals(attempts, [1, 2, 3]);
});

Deno.test("runPipeline() ends a pause at once, when the lease is ending", async () => {
  const failing = new FailingPipeline(new FakeHandler(TRANSIENT));
  const policy = { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } };
  const running = failing.run({ policy });
  await eventually(() => failing.handler.calls.length === 1, { what: "the first call" });
  await everythingSettled();
  failing.lease.beginEnd();
  await running;
  assertMatch(failing.listener.outcomes.join(), /not settled/);
});

Deno.test("runPipeline() goes on with other keys during the pause of one", async () => {
  const listener = new FakeListener(
    anEvent({ offset: 1, key: bytes("waits") }),
    anEvent({ offset: 2, key: bytes("goes on") }),
    anEvent({ offset: 3, key: bytes("waits") }),
  );
  const failing = new FailingPipeline(new FakeHandler(TRANSIENT, aResult()), { listener });
  const policy = { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } };
  const running = failing.run({ policy });
  await eventually(() => listener.outcomes.length === 1, { what: "the other key's event settles" });
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@2 settled"]);
  failing.lease.end();
  await running;
});

Deno.test("runPipeline() logs the same reason for repeated calls twenty times in 10 s", async () => {
  const events = Array.from(
    { length: 30 },
    (_, offset) => anEvent({ offset, key: bytes(`${offset}`) }),
  );
  const failures = events.map(() => aResult("onError", { status: "500", suggestsOutage: false }));
  const handler = new FakeHandler(...failures, aResult());
  const retry = { maxAttempts: 3, backoff: NO_WAIT };
  const log = new RecordedLog();

  await runParts({
    listener: new FakeListener(...events),
    handler,
    policy: { retry, noResponse: retry, onFailure: "deadLetter" },
    log: log.log,
  });

  assertEquals(handler.calls.length, 60);
  const told = log.of("ERROR");
  assertEquals(told.length, 20);
  assertMatch(told[0] ?? "", /: status 500; trying again in 0\.0 s$/);
  assertMatch(
    told[19] ?? "",
    /in 0\.0 s; further occurrences are logged at DEBUG for 10 s$/,
  );
  assertEquals(log.matching(/DEBUG.*status 500; trying again/).length, 10);
});

Deno.test("runPipeline() logs each event that blocks", async () => {
  const events = Array.from(
    { length: 30 },
    (_, offset) => anEvent({ offset, key: bytes(`${offset}`) }),
  );
  const failures = events.map(() => aResult("onError", { status: "404", suggestsOutage: false }));
  const log = new RecordedLog();
  await runParts({
    listener: new FakeListener(...events),
    handler: new FakeHandler(...failures, aResult()),
    log: log.log,
  });
  assertEquals(log.of("ERROR").length, 30);
});
