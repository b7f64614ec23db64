import { assertEquals } from "@std/assert";
import { everythingSettled } from "../../support/eventually.ts";
import { anEvent, bytes } from "../../support/events.ts";
import {
  FailingPipeline,
  NO_RESPONSE,
  POLICY,
  TRANSIENT,
} from "../../support/fakes/failing_pipeline.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";

Deno.test("runPipeline() waits for the end of an outage, and makes no event a dead letter meanwhile", async () => {
  const listener = new FakeListener(
    ...Array.from(
      { length: 40 },
      (_, index) => anEvent({ offset: index, key: bytes(`key ${index}`) }),
    ),
  );
  const startedAt = performance.now();
  let answered = false;
  const handler = {
    handle: async () => {
      await everythingSettled();
      answered = performance.now() - startedAt > 6500;
      return answered ? aResult() : TRANSIENT;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const failing = new FailingPipeline(new FakeHandler(aResult()), { listener });
  const retry = {
    maxAttempts: 10,
    backoff: { initialDelayMs: 700, maxDelayMs: 700, multiplier: 1, jitter: "none" } as const,
  };
  await failing.run({ handler, takesErrors: false, policy: { ...POLICY, retry } });
  assertEquals(failing.deadLetters.stored, []);
  assertEquals(failing.successes.stored.length, 40);
  await failing.log.line(/the endpoint seems to be away/);
  await failing.log.line(/the endpoint answers again/);
});

Deno.test("runPipeline() makes no event a dead letter that was in flight when the endpoint broke down", async () => {
  const listener = new FakeListener(
    ...Array.from(
      { length: 30 },
      (_, index) => anEvent({ offset: index, key: bytes(`key ${index}`) }),
    ),
  );
  let calls = 0;
  const handler = {
    handle: async () => {
      const call = calls++;
      await everythingSettled();
      if (call === 0 || call > 60) return aResult();
      await everythingSettled();
      throw NO_RESPONSE;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const failing = new FailingPipeline(new FakeHandler(aResult()), { listener });
  await failing.run({ handler, policy: { ...POLICY, noResponse: null } });
  assertEquals(failing.deadLetters.stored, []);
  assertEquals(failing.successes.stored.length, 30);
});

Deno.test("runPipeline() makes no event a dead letter for a call in an outage, whatever was counted before", async () => {
  const KEYS = 30;
  const listener = new FakeListener(
    ...Array.from(
      { length: KEYS + 1 },
      (_, index) => anEvent({ offset: index, key: bytes(`key ${index}`) }),
    ),
  );
  const [isBroken, breaksDown] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let unanswered = 0;
  const handler = {
    async handle({ position }: { position: number }, _signal: unknown, attempt = 1) {
      if (position === KEYS) {
        await breaksDown.promise;
        return aResult();
      }
      if (attempt < POLICY.noResponse!.maxAttempts) return TRANSIENT;
      if (attempt > POLICY.noResponse!.maxAttempts) return aResult();
      if (++unanswered === KEYS) {
        // Somebody was answered just before.
        breaksDown.resolve();
        await everythingSettled();
        // An outage takes some time.
        setTimeout(isBroken.resolve, 300);
      }
      await isBroken.promise;
      throw NO_RESPONSE;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const failing = new FailingPipeline(new FakeHandler(aResult()), { listener });
  await failing.run({ handler });
  assertEquals(failing.deadLetters.stored, []);
  assertEquals(failing.successes.stored.length, KEYS + 1);
});
