import { assertEquals, assertMatch } from "@std/assert";
import type { InboundEvent } from "../../src/core/event.ts";
import type { FailurePolicy } from "../../src/core/failures/failure_policy.ts";
import { HandlerError } from "../../src/core/handler.ts";
import { LeaseController } from "../../src/core/lease.ts";
import type { PipelineOptions } from "../../src/core/pipeline.ts";
import { ResultProcessorError } from "../../src/core/result_processor.ts";
import { eventually, everythingSettled } from "../support/eventually.ts";
import { anEvent, bytes } from "../support/events.ts";
import { aResult, FakeHandler } from "../support/fakes/handler.ts";
import { FakeListener } from "../support/fakes/listener.ts";
import { FakeResultProcessor } from "../support/fakes/result_processor.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { NO_END, NO_WAIT, runParts } from "../support/fakes/run_parts.ts";

const TEXT_DECODER = new TextDecoder();

const RETRY = { maxAttempts: 3, backoff: NO_WAIT };
const POLICY: FailurePolicy = { retry: RETRY, noResponse: RETRY, onFailure: "deadLetter" };
const PLACE = "MY_FIRST_TOPIC[0]@184";

const TRANSIENT = aResult("onError", { status: "503" });
const PERMANENT = aResult("onError", {
  status: "400",
  isTransient: false,
  suggestsOutage: false,
});
const TOO_LARGE = new ResultProcessorError("a record of 9 bytes", { isTooLarge: true });
const NO_RESPONSE = new HandlerError("no response from 'POST http://a/': connection reset");

/** A pipeline with a processor for each outcome and dead letters, and one event unless it has others. */
class Failing {
  readonly successes = new FakeResultProcessor();
  readonly errors = new FakeResultProcessor();
  readonly deadLetters = new FakeResultProcessor();
  readonly log = new RecordedLog();
  readonly listener: FakeListener;
  readonly handler: FakeHandler;
  readonly lease = new LeaseController();

  constructor(
    handler: FakeHandler,
    { listener = new FakeListener(anEvent()) }: { listener?: FakeListener } = {},
  ) {
    this.handler = handler;
    this.listener = listener;
  }

  async run(
    { takesErrors = true, ...parts }: Partial<PipelineOptions> & { takesErrors?: boolean } = {},
  ): Promise<void> {
    await runParts({
      listener: this.listener,
      handler: this.handler,
      resultProcessors: [
        { when: ["onSuccess"], processor: this.successes },
        ...(takesErrors ? [{ when: ["onError"] as const, processor: this.errors }] : []),
      ],
      deadLetters: this.deadLetters,
      policy: POLICY,
      log: this.log.log,
      ...parts,
    }, this.lease);
  }

  /** How many calls there were, and how many records went where. */
  get counts(): Record<string, number> {
    return {
      calls: this.handler.calls.length,
      successes: this.successes.stored.length,
      errors: this.errors.stored.length,
      deadLetters: this.deadLetters.stored.length,
    };
  }
}

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
    const failing = new Failing(handler());
    await failing.run(parts);
    assertEquals(failing.counts, expected);
    assertEquals(failing.listener.outcomes, [`${PLACE} settled`]);
  });
}

for (
  const { ordering, groups } of [
    { ordering: "key", groups: [undefined, "3"] },
    { ordering: "partition", groups: ["3", "3"] },
    { ordering: "none", groups: [undefined, undefined] },
  ] as const
) {
  Deno.test(`runPipeline() says of dead letters what is in order by ${ordering}, whatever the key`, async () => {
    const listener = new FakeListener(
      anEvent({ partition: 3, offset: 1, key: bytes("key") }),
      anEvent({ partition: 3, offset: 2, key: null }),
    );
    const failing = new Failing(new FakeHandler(PERMANENT), { listener });
    await failing.run({ takesErrors: false, ordering });
    const stored = failing.deadLetters.stored.map(({ key, orderGroup }) => ({ key, orderGroup }));
    const [ofKey, keyless] = groups;
    assertEquals(stored, [
      { key: bytes("key"), orderGroup: ofKey },
      { key: null, orderGroup: keyless },
    ]);
  });
}

Deno.test("runPipeline() counts a call without a response, when others are answered meanwhile", async () => {
  const others = new FakeListener(
    anEvent({ offset: 1, key: bytes("bad") }),
    ...Array.from({ length: 20 }, (_, index) => anEvent({ offset: 2 + index, key: null })),
  );
  const failing = new Failing(new FakeHandler(aResult()), { listener: others });
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
  const failing = new Failing(new FakeHandler(aResult()), { listener });
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

Deno.test("runPipeline() condemns nothing that was in flight when the endpoint broke down", async () => {
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
  const failing = new Failing(new FakeHandler(aResult()), { listener });
  await failing.run({ handler, policy: { ...POLICY, noResponse: null } });
  assertEquals(failing.deadLetters.stored, []);
  assertEquals(failing.successes.stored.length, 30);
});

Deno.test("runPipeline() condemns nothing for a call in an outage, whatever was counted before", async () => {
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
  const failing = new Failing(new FakeHandler(aResult()), { listener });
  await failing.run({ handler });
  assertEquals(failing.deadLetters.stored, []);
  assertEquals(failing.successes.stored.length, KEYS + 1);
});

Deno.test("runPipeline() leaves the endpoint alone for an event that blocks as long as it asks for", async () => {
  const answer = aResult("onError", { retryAfterMs: 40 });
  for (const retry of [null, RETRY]) {
    const failing = new Failing(new FakeHandler(answer, answer, answer, aResult()));
    const policy: FailurePolicy = { ...POLICY, retry, onFailure: "block" };
    const startedAt = performance.now();
    await failing.run({ takesErrors: false, policy });
    assertEquals(performance.now() - startedAt >= 3 * 39, true, `retry: ${retry !== null}`);
  }
});

Deno.test("runPipeline() waits as long as its backoff says, when a response asks for less", async () => {
  const failing = new Failing(new FakeHandler(aResult("onError", { retryAfterMs: 0 })));
  const running = failing.run({
    policy: { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } },
  });
  await eventually(() => failing.handler.calls.length === 1, { what: "the first call" });
  await everythingSettled();
  assertEquals(failing.handler.calls.length, 1);
  failing.lease.end();
  await running;
});

Deno.test("runPipeline() tells the handler which attempt it is", async () => {
  const attempts: (number | undefined)[] = [];
  const handler = {
    handle: (_event: unknown, _signal: unknown, attempt?: number) => {
      attempts.push(attempt);
      return Promise.resolve(attempts.length < 3 ? TRANSIENT : aResult());
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await new Failing(new FakeHandler(aResult())).run({ handler });
  assertEquals(attempts, [1, 2, 3]);
});

Deno.test("runPipeline() waits as long as a response asks for", async () => {
  const answer = aResult("onError", { retryAfterMs: 40 });
  const failing = new Failing(new FakeHandler(answer, aResult()));
  const startedAt = performance.now();
  await failing.run();
  assertEquals(performance.now() - startedAt >= 39, true);
});

Deno.test("runPipeline() ends a pause at once, when the lease is ending", async () => {
  const failing = new Failing(new FakeHandler(TRANSIENT));
  const policy = { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } };
  const running = failing.run({ policy });
  await eventually(() => failing.handler.calls.length === 1, { what: "the first call" });
  await everythingSettled();
  failing.lease.beginEnd();
  await running;
  assertMatch(failing.listener.outcomes.join(), /not settled/);
});

Deno.test("runPipeline() lets other keys go on while one waits", async () => {
  const listener = new FakeListener(
    anEvent({ offset: 1, key: bytes("waits") }),
    anEvent({ offset: 2, key: bytes("goes on") }),
    anEvent({ offset: 3, key: bytes("waits") }),
  );
  const failing = new Failing(new FakeHandler(TRANSIENT, aResult()), { listener });
  const policy = { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } };
  const running = failing.run({ policy });
  await eventually(() => listener.outcomes.length === 1, { what: "the other key's event settles" });
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@2 settled"]);
  failing.lease.end();
  await running;
});

Deno.test("runPipeline() waits for the end of an outage, and loses and condemns nothing meanwhile", async () => {
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
  const failing = new Failing(new FakeHandler(aResult()), { listener });
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

Deno.test("runPipeline() publishes an error in place of a result that is too large", async () => {
  const failing = new Failing(new FakeHandler(aResult()));
  const tooLarge = new ResultProcessorError("a record of 9 bytes", { isTooLarge: true });
  const processor = new FakeResultProcessor({ failures: [tooLarge] });
  await failing.run({
    resultProcessors: [
      { when: ["onSuccess"], processor },
      { when: ["onError"], processor: failing.errors },
    ],
  });
  assertEquals(processor.calls, 1);
  assertEquals(failing.handler.calls.length, 1, "the endpoint is not called again");
  const [error] = failing.errors.stored;
  assertEquals(error?.value, new Uint8Array());
  assertEquals(headerOf(error!, "eventor-error"), "result larger than its topic allows");
});

Deno.test("runPipeline() publishes an error in place of an error response that is too large", async () => {
  const tooLarge = new ResultProcessorError("a record of 9 bytes", { isTooLarge: true });
  const processor = new FakeResultProcessor({ failures: [tooLarge] });
  const failing = new Failing(new FakeHandler(PERMANENT));
  await failing.run({ resultProcessors: [{ when: ["onError"], processor }] });
  assertEquals(processor.stored.map(({ value }) => value), [new Uint8Array()]);
  assertEquals(headerOf(processor.stored[0]!, "eventor-status"), "400");
  assertEquals(failing.deadLetters.stored, []);
});

Deno.test("runPipeline() keeps a result that is too large and blocks, and gives it only to those that lack it", async () => {
  const tooLarge = new ResultProcessorError("a record of 9 bytes", { isTooLarge: true });
  const first = new FakeResultProcessor();
  const refusing = new FakeResultProcessor({ failures: Array(5).fill(tooLarge) });
  const last = new FakeResultProcessor();
  const failing = new Failing(new FakeHandler(aResult()));
  await failing.run({
    policy: { ...POLICY, onFailure: "block" },
    resultProcessors: [first, refusing, last].map((processor) => ({
      when: ["onSuccess"],
      processor,
    })),
  });
  assertEquals(failing.handler.calls.length, 1);
  assertEquals([first, refusing, last].map(({ stored }) => stored.length), [1, 1, 1]);
});

Deno.test("runPipeline() does with a tombstone that is too large what is configured", async (t) => {
  const tooLarge = new ResultProcessorError("a record of 9 bytes", { isTooLarge: true });
  for (
    const { onFailure, letters, stored } of [
      { onFailure: "deadLetter", letters: 1, stored: 0 },
      { onFailure: "discard", letters: 0, stored: 0 },
      { onFailure: "block", letters: 0, stored: 1 },
    ] as const
  ) {
    await t.step(onFailure, async () => {
      const processor = new FakeResultProcessor({ failures: [tooLarge] });
      const listener = new FakeListener(anEvent({ value: null }));
      const failing = new Failing(new FakeHandler(aResult()), { listener });
      await failing.run({
        onTombstone: "forward",
        policy: { ...POLICY, onFailure },
        resultProcessors: [{ when: ["onSuccess"], processor }],
      });
      assertEquals([failing.deadLetters.stored.length, processor.stored.length], [letters, stored]);
      assertEquals(listener.outcomes, [`${PLACE} settled`]);
    });
  }
});

Deno.test("runPipeline() makes a dead letter of an event whose result is too large, when nobody takes errors", async () => {
  const failing = new Failing(new FakeHandler(aResult()));
  const tooLarge = new ResultProcessorError("a record of 9 bytes", { isTooLarge: true });
  const processor = new FakeResultProcessor({ failures: [tooLarge] });
  await failing.run({ resultProcessors: [{ when: ["onSuccess"], processor }] });
  const [letter] = failing.deadLetters.stored;
  assertEquals(headerOf(letter!, "eventor-dead-letter-reason"), "tooLarge");
});

Deno.test("runPipeline() leaves headers out of a dead letter until it is small enough, and says which", async () => {
  const deadLetters = new FakeResultProcessor({ failures: Array(2).fill(TOO_LARGE) });
  const failing = new Failing(new FakeHandler(PERMANENT));
  await failing.run({ takesErrors: false, deadLetters });
  assertEquals(deadLetters.stored.length, 1);
  assertEquals(headerOf(deadLetters.stored[0]!, "eventor-dead-letter-message"), undefined);
  assertEquals(headerOf(deadLetters.stored[0]!, "eventor-dead-letter-timestamp"), undefined);
  assertEquals(headerOf(deadLetters.stored[0]!, "eventor-dead-letter-status"), "400");
  assertEquals(failing.log.of("ERROR"), []);
  assertMatch(
    failing.log.of("WARN").join("\n"),
    /stored without eventor-dead-letter-message, eventor-dead-letter-timestamp, as its destination takes no larger record/,
  );
});

Deno.test("runPipeline() stores an event that leaves no room for more as it is, and says that it cannot be put back", async () => {
  const deadLetters = new FakeResultProcessor({ failures: Array(12).fill(TOO_LARGE) });
  const failing = new Failing(new FakeHandler(PERMANENT));
  await failing.run({ takesErrors: false, deadLetters });
  const { key, value, headers } = anEvent();
  assertEquals(deadLetters.stored.map((record) => ({ ...record })), [{ key, value, headers }]);
  assertMatch(failing.log.of("ERROR").join("\n"), /a redrive does not know it as a dead letter/);
});

Deno.test("runPipeline() blocks, when a dead letter cannot be stored", async () => {
  const deadLetters = new FakeResultProcessor({ failures: Array(13 + 6).fill(TOO_LARGE) });
  const failing = new Failing(new FakeHandler(PERMANENT));
  await failing.run({ takesErrors: false, deadLetters });
  assertEquals(deadLetters.stored.length, 1);
  assertEquals(failing.handler.calls.length, 1);
  assertMatch(failing.log.of("ERROR").join("\n"), /raise the limit/);
});

Deno.test("runPipeline() does with tombstones what is configured", async (t) => {
  const tombstone = () => new FakeListener(anEvent({ value: null }));
  for (
    const { onTombstone, expected } of [
      { onTombstone: "send", expected: { calls: 1, values: [bytes("result")] } },
      { onTombstone: "skip", expected: { calls: 0, values: [] } },
      { onTombstone: "forward", expected: { calls: 0, values: [null] } },
    ] as const
  ) {
    await t.step(onTombstone, async () => {
      const failing = new Failing(new FakeHandler(aResult()), { listener: tombstone() });
      await failing.run({ onTombstone });
      const values = failing.successes.stored.map(({ value }) => value);
      assertEquals({ calls: failing.handler.calls.length, values }, {
        calls: expected.calls,
        values: [...expected.values],
      });
      assertEquals(failing.listener.outcomes, [`${PLACE} settled`]);
    });
  }
});

function headerOf(
  { headers }: { headers: readonly (readonly [string, Uint8Array | null])[] },
  name: string,
): string | undefined {
  const value = headers.find(([each]) => each === name)?.[1];
  return value ? TEXT_DECODER.decode(value) : undefined;
}

const CRASHED = { made: 4, counted: 3, crashes: 3, firstFailedAtMs: 1652708532000 };

Deno.test("runPipeline() makes an event a dead letter, without a call, that has ended the process too often", async () => {
  const failing = new Failing(new FakeHandler(aResult()), {
    listener: new FakeListener(anEvent({ past: CRASHED })),
  });
  await failing.run();
  assertEquals(failing.handler.calls, []);
  assertEquals(failing.listener.outcomes, [`${PLACE} settled`]);
  const headers = new Map(
    failing.deadLetters.stored[0]?.headers.map(([name, value]) => [
      name,
      TEXT_DECODER.decode(value ?? undefined),
    ]),
  );
  assertEquals(headers.get("eventor-dead-letter-reason"), "crash");
  assertEquals(headers.get("eventor-dead-letter-attempts"), "4");
  assertEquals(headers.get("eventor-dead-letter-first-failed-at"), "2022-05-16T13:42:12.000Z");
});

Deno.test("runPipeline() discards an event that has ended the process too often, when that is configured", async () => {
  const failing = new Failing(new FakeHandler(aResult()), {
    listener: new FakeListener(anEvent({ past: CRASHED })),
  });
  await failing.run({ policy: { ...POLICY, onFailure: "discard" } });
  assertEquals(failing.handler.calls, []);
  assertEquals(failing.listener.outcomes, [`${PLACE} settled`]);
});

Deno.test("runPipeline() calls for an event that blocks again, after a pause, though it has ended the process too often", async () => {
  const failing = new Failing(new FakeHandler(aResult()), {
    listener: new FakeListener(anEvent({ past: CRASHED })),
  });
  await failing.run({ policy: { ...POLICY, onFailure: "block" } });
  assertEquals(failing.handler.calls.length, 1);
  assertEquals(failing.successes.stored.length, 1);
  assertMatch(
    failing.log.lines[0] ?? "",
    /work on it was cut off in 3 of 3 attempts; later events of its key are blocked; trying again/,
  );
});

Deno.test("runPipeline() calls for an event that has not ended the process often enough to be the one to blame", async (t) => {
  const cases = [
    { ...CRASHED, crashes: 2, counted: 100 },
    { ...CRASHED, crashes: 3, counted: 2 },
    { ...CRASHED, crashes: 0, counted: 100 },
  ];
  for (const past of cases) {
    await t.step(`${past.crashes} of ${past.counted}`, async () => {
      const failing = new Failing(new FakeHandler(aResult()), {
        listener: new FakeListener(anEvent({ past })),
      });
      await failing.run();
      assertEquals([failing.handler.calls.length, failing.successes.stored.length], [1, 1]);
    });
  }
});

Deno.test("runPipeline() notes what was tried for an event, for whoever has it next", async () => {
  const failing = new Failing(new FakeHandler(TRANSIENT, aResult()));
  const running = failing.run({
    policy: { ...POLICY, retry: { maxAttempts: 3, backoff: NO_END } },
  });
  await eventually(() => failing.listener.attempts !== undefined, { what: "a note" });
  const { made, counted, crashes } = failing.listener.attempts!;
  assertEquals({ made, counted, crashes }, { made: 1, counted: 1, crashes: 0 });
  failing.lease.beginEnd();
  await running;
});

Deno.test("runPipeline() begins with the pause that comes after what another process has tried", async () => {
  const failing = new Failing(new FakeHandler(TRANSIENT), {
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

Deno.test("runPipeline() says that an event waits to be stored, and so is not to blame", async () => {
  const failing = new Failing(new FakeHandler(aResult()));
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
  const failing = new Failing(new FakeHandler(TRANSIENT), {
    listener: new FakeListener(anEvent({ past: { ...CRASHED, made: 2, counted: 2, crashes: 0 } })),
  });
  await failing.run({ takesErrors: false });
  assertEquals(failing.handler.calls.length, 1);
  assertEquals(failing.handler.attempts, [3]);
  assertEquals(failing.deadLetters.stored.length, 1);
});
