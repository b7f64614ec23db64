import { assertEquals, assertMatch } from "@std/assert";
import { ResultProcessorError } from "../../../src/core/result_processor.ts";
import { eventually } from "../../support/eventually.ts";
import { anEvent } from "../../support/events.ts";
import {
  FailingPipeline,
  headerOf,
  ORIGIN,
  POLICY,
  TRANSIENT,
} from "../../support/fakes/failing_pipeline.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { NO_END } from "../../support/fakes/run_parts.ts";

const CRASHED = { made: 4, counted: 3, crashes: 3, firstFailedAtMs: 1652708532000 };

Deno.test("runPipeline() makes a poison pill a dead letter without a call", async () => {
  const failing = new FailingPipeline(new FakeHandler(aResult()), {
    listener: new FakeListener(anEvent({ past: CRASHED })),
  });
  await failing.run();
  assertEquals(failing.handler.calls, []);
  assertEquals(failing.listener.outcomes, [`${ORIGIN} settled`]);
  const [letter] = failing.deadLetters.stored;
  assertEquals(headerOf(letter!, "eventor-dead-letter-reason"), "crash");
  assertEquals(headerOf(letter!, "eventor-dead-letter-attempts"), "4");
  assertEquals(
    headerOf(letter!, "eventor-dead-letter-first-failed-at"),
    "2022-05-16T13:42:12.000Z",
  );
});

Deno.test("runPipeline() discards a poison pill, when that is configured", async () => {
  const failing = new FailingPipeline(new FakeHandler(aResult()), {
    listener: new FakeListener(anEvent({ past: CRASHED })),
  });
  await failing.run({ policy: { ...POLICY, onFailure: "discard" } });
  assertEquals(failing.handler.calls, []);
  assertEquals(failing.listener.outcomes, [`${ORIGIN} settled`]);
});

Deno.test("runPipeline() calls for a poison pill again after a pause, when it is to block", async () => {
  const failing = new FailingPipeline(new FakeHandler(aResult()), {
    listener: new FakeListener(anEvent({ past: CRASHED })),
  });
  await failing.run({ policy: { ...POLICY, onFailure: "block" } });
  assertEquals(failing.handler.calls.length, 1);
  assertEquals(failing.successes.stored.length, 1);
  assertMatch(
    failing.log.lines[0] ?? "",
    /work on it was cut off in 3 of 3 attempts; it blocks later events as 'ordering' says; trying again/,
  );
});

Deno.test("runPipeline() calls for an event that has not crashed the process often enough to be a poison pill", async (t) => {
  const cases = [
    { ...CRASHED, crashes: 2, counted: 100 },
    { ...CRASHED, crashes: 3, counted: 2 },
    { ...CRASHED, crashes: 0, counted: 100 },
  ];
  for (const past of cases) {
    await t.step(`${past.crashes} of ${past.counted}`, async () => {
      const failing = new FailingPipeline(new FakeHandler(aResult()), {
        listener: new FakeListener(anEvent({ past })),
      });
      await failing.run();
      assertEquals([failing.handler.calls.length, failing.successes.stored.length], [1, 1]);
    });
  }
});

Deno.test("runPipeline() notes the attempts for an event on its delivery", async () => {
  const failing = new FailingPipeline(new FakeHandler(TRANSIENT, aResult()));
  const running = failing.run({
    policy: { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } },
  });
  await eventually(() => failing.listener.attempts !== undefined, { what: "a note" });
  const { made, counted, crashes } = failing.listener.attempts!;
  assertEquals({ made, counted, crashes }, { made: 1, counted: 1, crashes: 0 });
  failing.lease.beginEnd();
  await running;
});

Deno.test("runPipeline() begins with the pause that follows the attempts of another process", async () => {
  const failing = new FailingPipeline(new FakeHandler(TRANSIENT), {
    listener: new FakeListener(anEvent({ past: { ...CRASHED, made: 3, counted: 1, crashes: 0 } })),
  });
  const backoff = {
    initialDelayMs: 1000,
    maxDelayMs: 1e9,
    multiplier: 10,
    jitter: "none" as const,
  };
  const running = failing.run({ policy: { ...POLICY, retry: { maxAttempts: 5, backoff } } });
  await failing.log.line(/trying again in 1000\.0 s/);
  failing.lease.beginEnd();
  await running;
});

Deno.test("runPipeline() marks an event as storing while its result cannot be stored", async () => {
  const failing = new FailingPipeline(new FakeHandler(aResult()));
  const processor = new FakeResultProcessor({ failures: [new ResultProcessorError("no broker")] });
  const running = failing.run({
    resultProcessors: [{ when: ["onSuccess"], processor }],
    backoff: NO_END,
  });
  await failing.log.line(/no broker; trying again/);
  assertEquals(failing.listener.deliveries.map(({ state }) => state), ["storing"]);
  failing.lease.beginEnd();
  await running;
});

Deno.test("runPipeline() goes on counting where another process has left off", async () => {
  const failing = new FailingPipeline(new FakeHandler(TRANSIENT), {
    listener: new FakeListener(anEvent({ past: { ...CRASHED, made: 2, counted: 2, crashes: 0 } })),
  });
  await failing.run({ takesErrors: false });
  assertEquals(failing.handler.calls.length, 1);
  assertEquals(failing.handler.attempts, [3]);
  assertEquals(failing.deadLetters.stored.length, 1);
});
