import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Backoff } from "../src/backoff.ts";
import { HandlerError } from "../src/handler.ts";
import { LeaseController } from "../src/lease.ts";
import { Logger, type LogRecord } from "../src/log.ts";
import { type PipelineParts, runPipeline } from "../src/pipeline.ts";
import { ResultProcessorError } from "../src/result_processor.ts";
import { eventually, everythingSettled } from "./support/eventually.ts";
import { anEvent, bytes } from "./support/events.ts";
import { aResult, FakeHandler } from "./support/fake_handler.ts";
import { FakeListener } from "./support/fake_listener.ts";
import { FakeResultProcessor } from "./support/fake_result_processor.ts";

const NO_WAIT: Backoff = { initialDelayMs: 0, maxDelayMs: 0, multiplier: 1 };

/** A backoff that no test outlives. With full jitter, a delay under ten seconds is one case in 200,000. */
const NO_END: Backoff = { initialDelayMs: 2e9, maxDelayMs: 2e9, multiplier: 1 };

Deno.test("runPipeline() sends an event's result to the processors whose 'when' matches, and settles it", async (t) => {
  for (
    const { when, expected } of [
      { when: "onSuccess", expected: { onSuccess: 1, onError: 0, both: 1 } },
      { when: "onError", expected: { onSuccess: 0, onError: 1, both: 1 } },
    ] as const
  ) {
    await t.step(when, async () => {
      const processors = {
        onSuccess: new FakeResultProcessor(),
        onError: new FakeResultProcessor(),
        both: new FakeResultProcessor(),
      };
      const listener = new FakeListener(anEvent());

      await run({
        listener,
        handler: new FakeHandler(aResult(when)),
        resultProcessors: [
          { when: ["onSuccess"], processor: processors.onSuccess },
          { when: ["onError"], processor: processors.onError },
          { when: ["onSuccess", "onError"], processor: processors.both },
        ],
      });

      assertEquals(stored(processors), expected);
      assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
    });
  }
});

Deno.test("runPipeline() stores the event's key with the result's value", async () => {
  const processor = new FakeResultProcessor();

  await run({
    listener: new FakeListener(anEvent({ key: bytes("order 7") })),
    handler: new FakeHandler(aResult("onSuccess", { value: "accepted" })),
    resultProcessors: [{ when: ["onSuccess"], processor }],
  });

  assertEquals(processor.stored.map(({ key, value }) => ({ key, value })), [
    { key: bytes("order 7"), value: bytes("accepted") },
  ]);
});

Deno.test("runPipeline() settles an event only when its result is stored", async () => {
  const gate = Promise.withResolvers<void>();
  const processor = new FakeResultProcessor({ gate: () => gate.promise });
  const listener = new FakeListener(anEvent());

  const running = run({
    listener,
    handler: new FakeHandler(aResult()),
    resultProcessors: [{ when: ["onSuccess"], processor }],
  });
  await eventually(() => processor.calls === 1, { what: "publishing begins" });
  await everythingSettled();
  assertEquals(listener.outcomes, []);

  gate.resolve();
  await running;
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
});

Deno.test("runPipeline() settles a success, when no result processor is there for it", async (t) => {
  await t.step("none at all", async () => {
    const listener = new FakeListener(anEvent());
    await run({ listener, handler: new FakeHandler(aResult()), resultProcessors: [] });
    assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
  });

  await t.step("one for errors only", async () => {
    const listener = new FakeListener(anEvent());
    const processor = new FakeResultProcessor();
    await run({
      listener,
      handler: new FakeHandler(aResult()),
      resultProcessors: [{ when: ["onError"], processor }],
    });
    assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
    assertEquals(processor.calls, 0);
  });
});

Deno.test("runPipeline() handles an event again, when its result is an error that nobody takes", async () => {
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(aResult("onError"), aResult("onError"), aResult("onSuccess"));
  const processor = new FakeResultProcessor();
  const log = new RecordedLog();

  await run({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
    log: log.logger,
  });

  assertEquals(handler.calls.length, 3);
  assertEquals(processor.stored.length, 1);
  assertEquals(
    log.of("ERROR"),
    Array(2).fill(
      "cannot handle MY_FIRST_TOPIC[0]@184: status 503, and no eventResultProcessor is configured for onError; " +
        "trying again in 0.0 s",
    ),
  );
});

Deno.test("runPipeline() handles an event again, when there was no response", async () => {
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(new HandlerError("no response from 'POST http://a/'"), aResult());
  const log = new RecordedLog();

  await run({ listener, handler, log: log.logger });

  assertEquals(handler.calls, ["MY_FIRST_TOPIC[0]@184", "MY_FIRST_TOPIC[0]@184"]);
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
  assertEquals(log.of("ERROR"), [
    "cannot handle MY_FIRST_TOPIC[0]@184: no response from 'POST http://a/'; trying again in 0.0 s",
  ]);
});

Deno.test("runPipeline() waits before it handles an event again", async () => {
  const lease = new LeaseController();
  const handler = new FakeHandler(new HandlerError("no response"), aResult());
  const log = new RecordedLog();
  const running = run(
    { listener: new FakeListener(anEvent()), handler, log: log.logger, backoff: NO_END },
    lease,
  );

  await eventually(() => log.of("ERROR").length === 1, { what: "the first attempt fails" });
  await everythingSettled();
  assertEquals(handler.calls.length, 1);

  lease.end();
  await running;
});

Deno.test("runPipeline() waits half a second at most before the first repetition, when no backoff is given", async () => {
  const handler = new FakeHandler(new HandlerError("no response"), aResult());
  const log = new RecordedLog();

  await runPipeline({
    listener: new FakeListener(anEvent()),
    handler,
    resultProcessors: [],
    ordering: "key",
    concurrency: 32,
    log: log.logger,
  }, new LeaseController());

  assertEquals(handler.calls.length, 2);
  assertMatch(log.of("ERROR").join("\n"), /; trying again in 0\.[0-5] s$/);
});

Deno.test("runPipeline() publishes again with the result at hand, when publishing fails", async () => {
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(aResult("onSuccess", { value: "first answer" }), aResult());
  const failure = new ResultProcessorError("topic 'MY_RESPONSE_TOPIC': broker away");
  const processor = new FakeResultProcessor({ failures: [failure, failure] });
  const log = new RecordedLog();

  await run({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
    log: log.logger,
  });

  assertEquals(handler.calls.length, 1, "the endpoint is not called again");
  assertEquals(processor.calls, 3);
  assertEquals(processor.stored.map(({ value }) => value), [bytes("first answer")]);
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
  assertEquals(
    log.of("ERROR"),
    Array(2).fill(
      "cannot publish the result of MY_FIRST_TOPIC[0]@184: topic 'MY_RESPONSE_TOPIC': broker away; " +
        "trying again in 0.0 s",
    ),
  );
});

Deno.test("runPipeline() does not publish again where a result is stored, when the next processor fails", async () => {
  const first = new FakeResultProcessor();
  const second = new FakeResultProcessor({ failures: [new ResultProcessorError("away")] });

  await run({
    listener: new FakeListener(anEvent()),
    handler: new FakeHandler(aResult()),
    resultProcessors: [first, second].map((processor) => ({ when: ["onSuccess"], processor })),
  });

  assertEquals([first.calls, second.calls], [1, 2]);
});

Deno.test("runPipeline() gives an event up at once, when its lease is ending during a backoff", async (t) => {
  const cases: { during: string; parts: Partial<PipelineParts> }[] = [
    { during: "of a call", parts: { handler: new FakeHandler(new HandlerError("no response")) } },
    {
      during: "of an error that nobody takes",
      parts: { handler: new FakeHandler(aResult("onError")) },
    },
    {
      during: "of a publication",
      parts: {
        resultProcessors: [{
          when: ["onSuccess"],
          processor: new FakeResultProcessor({ failures: [new ResultProcessorError("away")] }),
        }],
      },
    },
  ];
  for (const { during, parts } of cases) {
    await t.step(during, async () => {
      const lease = new LeaseController();
      const listener = new FakeListener(anEvent());
      const log = new RecordedLog();
      const running = run({ listener, log: log.logger, backoff: NO_END, ...parts }, lease);

      await eventually(() => log.of("ERROR").length === 1, { what: "the first attempt fails" });
      lease.beginEnd();
      await running;

      assertEquals(listener.outcomes, [
        "MY_FIRST_TOPIC[0]@184 not settled: The lease ended before a repetition",
      ]);
    });
  }
});

Deno.test("runPipeline() finishes what runs, when the lease is ending but has not ended", async () => {
  const lease = new LeaseController();
  const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(answer.promise);
  const processor = new FakeResultProcessor();
  const running = run(
    { listener, handler, resultProcessors: [{ when: ["onSuccess"], processor }] },
    lease,
  );

  await eventually(() => handler.calls.length === 1, { what: "the call begins" });
  lease.beginEnd();
  assertEquals(handler.signals.map(({ aborted }) => aborted), [false]);
  answer.resolve(aResult());
  await running;

  assertEquals(processor.stored.length, 1);
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
});

Deno.test("runPipeline() does not settle an event, when its lease ended during the call", async () => {
  const lease = new LeaseController();
  const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(answer.promise);
  const log = new RecordedLog();
  const running = run({ listener, handler, log: log.logger }, lease);

  await eventually(() => handler.calls.length === 1, { what: "the call begins" });
  lease.end();
  assertEquals(handler.signals.map(({ aborted }) => aborted), [true]);
  answer.reject(new HandlerError("given up"));
  await running;

  assertEquals(listener.outcomes, [
    "MY_FIRST_TOPIC[0]@184 not settled: The lease ended during the attempt",
  ]);
  assertEquals(log.of("ERROR"), [], "it is not a failure");
});

Deno.test("runPipeline() starts no publication, when the lease has ended", async (t) => {
  await t.step("during a call that brought a result nevertheless", async () => {
    const lease = new LeaseController();
    const listener = new FakeListener(anEvent());
    const handler = new FakeHandler(() => {
      lease.end();
      return aResult();
    });
    const processor = new FakeResultProcessor();

    await run({ listener, handler, resultProcessors: [{ when: ["onSuccess"], processor }] }, lease);

    assertEquals(processor.calls, 0);
    assertEquals(listener.outcomes.map((outcome) => outcome.split(":")[0]), [
      "MY_FIRST_TOPIC[0]@184 not settled",
    ]);
  });

  await t.step("during the publication to another result processor", async () => {
    const lease = new LeaseController();
    const listener = new FakeListener(anEvent());
    const first = new FakeResultProcessor({ gate: () => Promise.resolve(lease.end()) });
    const second = new FakeResultProcessor();

    await run({
      listener,
      handler: new FakeHandler(aResult()),
      resultProcessors: [first, second].map((processor) => ({ when: ["onSuccess"], processor })),
    }, lease);

    assertEquals([first.calls, second.calls], [1, 0]);
    assertEquals(listener.outcomes.map((outcome) => outcome.split(":")[0]), [
      "MY_FIRST_TOPIC[0]@184 not settled",
    ]);
  });
});

Deno.test("runPipeline() rejects with the error itself, when a part has a bug", async (t) => {
  const bug = () => new TypeError("Cannot read properties of undefined");
  const cases: { part: string; parts: Partial<PipelineParts> }[] = [
    { part: "handler", parts: { handler: new FakeHandler(bug()) } },
    {
      part: "result processor",
      parts: {
        resultProcessors: [{
          when: ["onSuccess"],
          processor: new FakeResultProcessor({ failures: [bug()] }),
        }],
      },
    },
  ];
  for (const { part, parts } of cases) {
    await t.step(part, async () => {
      await assertRejects(
        () => run({ listener: new FakeListener(anEvent()), ...parts }),
        TypeError,
        "Cannot read properties of undefined",
      );
    });
  }
});

Deno.test("runPipeline() calls for one event of a key at a time and for keys side by side", async () => {
  const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
  const handler = new FakeHandler(answer.promise);
  const listener = new FakeListener(
    anEvent({ topic: "T", key: bytes("a"), offset: 1 }),
    anEvent({ topic: "T", key: bytes("a"), offset: 2 }),
    anEvent({ topic: "T", key: bytes("b"), offset: 3 }),
  );

  const running = run({ listener, handler, ordering: "key" });
  await eventually(() => handler.calls.length > 0, { what: "the first call begins" });
  await everythingSettled();
  assertEquals(handler.calls, ["T[0]@1", "T[0]@3"]);

  answer.resolve(aResult());
  await running;
  assertEquals(handler.calls, ["T[0]@1", "T[0]@3", "T[0]@2"]);
});

Deno.test("runPipeline() makes no more calls at a time than its concurrency allows", async () => {
  const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
  const handler = new FakeHandler(answer.promise);
  const listener = new FakeListener(
    ...[1, 2, 3, 4, 5].map((offset) => anEvent({ topic: "T", offset })),
  );

  const running = run({ listener, handler, ordering: "none", concurrency: 3 });
  await eventually(() => handler.calls.length > 0, { what: "the first call begins" });
  await everythingSettled();
  assertEquals(handler.calls, ["T[0]@1", "T[0]@2", "T[0]@3"]);

  answer.resolve(aResult());
  await running;
  assertEquals(handler.calls.length, 5);
});

Deno.test("runPipeline() calls for the next event of a key when the result before is stored", async () => {
  const gate = Promise.withResolvers<void>();
  const handler = new FakeHandler(aResult());
  const processor = new FakeResultProcessor({ gate: () => gate.promise });
  const listener = new FakeListener(anEvent({ offset: 1 }), anEvent({ offset: 2 }));

  const running = run({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
  });
  await eventually(() => processor.calls === 1, { what: "publishing begins" });
  await everythingSettled();
  assertEquals(handler.calls, ["MY_FIRST_TOPIC[0]@1"]);

  gate.resolve();
  await running;
  assertEquals(handler.calls, ["MY_FIRST_TOPIC[0]@1", "MY_FIRST_TOPIC[0]@2"]);
});

Deno.test("runPipeline() says in the original's words what it does, when the level is DEBUG", async () => {
  const log = new RecordedLog();
  const processor = new FakeResultProcessor({
    firstPlace: { topic: "MY_RESPONSE_TOPIC", partition: 0, offset: 97 },
  });

  await run({
    listener: new FakeListener(anEvent({ topic: "MY_FIRST_TOPIC", partition: 0, offset: 184 })),
    handler: new FakeHandler(aResult()),
    resultProcessors: [{ when: ["onSuccess"], processor }],
    log: log.logger,
  });

  assertEquals(log.of("DEBUG"), [
    "handling message: MY_FIRST_TOPIC[0]@184",
    "successfully produced EventHandler result: MY_RESPONSE_TOPIC[0]@97",
  ]);
});

class RecordedLog {
  readonly records: LogRecord[] = [];
  readonly logger = new Logger((record) => this.records.push(record), { level: "DEBUG" });

  /** The messages of a level. */
  of(level: LogRecord["level"]): string[] {
    return this.records.filter((record) => record.level === level).map(({ message }) => message);
  }
}

/** Runs a pipeline of the given parts. Those that are left out do not matter to the test. */
function run(parts: Partial<PipelineParts>, lease = new LeaseController()): Promise<void> {
  return runPipeline({
    listener: new FakeListener(),
    handler: new FakeHandler(aResult()),
    resultProcessors: [],
    ordering: "key",
    concurrency: 32,
    log: new RecordedLog().logger,
    backoff: NO_WAIT,
    ...parts,
  }, lease);
}

function stored<Name extends string>(
  processors: Record<Name, FakeResultProcessor>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries<FakeResultProcessor>(processors).map((
      [name, { stored }],
    ) => [name, stored.length]),
  );
}
