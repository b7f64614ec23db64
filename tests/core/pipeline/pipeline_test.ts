import { assert, assertEquals, assertRejects } from "@std/assert";
import { HandlerError } from "../../../src/core/handler.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import type { PipelineOptions } from "../../../src/core/pipeline/pipeline.ts";
import { eventually, everythingSettled, promisesSettled } from "../../support/eventually.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { NO_END, runParts } from "../../support/fakes/run_parts.ts";

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

      await runParts({
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

  await runParts({
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

  const running = runParts({
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
    await runParts({ listener, handler: new FakeHandler(aResult()), resultProcessors: [] });
    assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
  });

  await t.step("one for errors only", async () => {
    const listener = new FakeListener(anEvent());
    const processor = new FakeResultProcessor();
    await runParts({
      listener,
      handler: new FakeHandler(aResult()),
      resultProcessors: [{ when: ["onError"], processor }],
    });
    assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
    assertEquals(processor.calls, 0);
  });
});

Deno.test("runPipeline() rejects with the error itself, when a part has a bug", async (t) => {
  const bug = () => new TypeError("Cannot read properties of undefined");
  const cases: { part: string; parts: Partial<PipelineOptions> }[] = [
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
        () => runParts({ listener: new FakeListener(anEvent()), ...parts }),
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

  const running = runParts({ listener, handler, ordering: "key" });
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

  const running = runParts({ listener, handler, ordering: "none", concurrency: 3 });
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

  const running = runParts({
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

Deno.test("runPipeline() lets another event have the slot, when one is being published or waits for its repetition", async (t) => {
  const gate = Promise.withResolvers<void>();
  const cases = [
    {
      state: "published",
      handler: new FakeHandler(aResult()),
      processor: new FakeResultProcessor({ gate: () => gate.promise }),
    },
    {
      state: "waiting",
      handler: new FakeHandler(new HandlerError("no response")),
      processor: new FakeResultProcessor(),
    },
  ];
  for (const { state, handler, processor } of cases) {
    await t.step(state, async () => {
      const lease = new LeaseController();
      const running = runParts({
        listener: new FakeListener(anEvent({ offset: 1 }), anEvent({ offset: 2 })),
        handler,
        resultProcessors: [{ when: ["onSuccess"], processor }],
        ordering: "none",
        concurrency: 1,
        backoff: NO_END,
      }, lease);

      await eventually(() => handler.calls.length === 2, { what: "the other event is called for" });
      lease.end();
      gate.resolve();
      await running;
    });
  }
});

Deno.test("runPipeline() says in the original's words what it does, when the level is DEBUG", async () => {
  const log = new RecordedLog();
  const processor = new FakeResultProcessor();

  await runParts({
    listener: new FakeListener(anEvent({ topic: "MY_FIRST_TOPIC", partition: 0, offset: 184 })),
    handler: new FakeHandler(aResult()),
    resultProcessors: [{ when: ["onSuccess"], processor }],
    log: log.log,
  });

  assertEquals(log.of("DEBUG"), [
    "handling message: MY_FIRST_TOPIC[0]@184",
    "successfully produced EventHandler result: RESULTS[0]@0",
  ]);
});

function stored<Name extends string>(
  processors: Record<Name, FakeResultProcessor>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries<FakeResultProcessor>(processors).map((
      [name, { stored }],
    ) => [name, stored.length]),
  );
}

Deno.test("runPipeline() makes no further call while results that wait to be stored are too large together", async () => {
  const stores = Promise.withResolvers<void>();
  const processor = new FakeResultProcessor({ gate: () => stores.promise });
  const listener = new FakeListener(
    ...Array.from({ length: 20 }, (_, index) => anEvent({ offset: index, key: bytes(`${index}`) })),
  );
  const handler = new FakeHandler(async () => {
    await promisesSettled();
    return aResult("onSuccess", { value: "x".repeat(1000) });
  });
  const running = runParts({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
    concurrency: 2,
    maxBufferedBytes: 5000,
  });
  await eventually(() => processor.calls >= 5, { what: "that results wait" });
  await everythingSettled();
  // A slot may be given again before the result of its last call is there.
  assert(handler.calls.length <= 5 + 2 * 2, `${handler.calls.length} calls`);
  stores.resolve();
  await running;
  assertEquals(processor.stored.length, 20);
});
