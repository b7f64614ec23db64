import { assertEquals, assertMatch } from "@std/assert";
import { HandlerError, type Result } from "../../../src/core/handler.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import type { PipelineOptions } from "../../../src/core/pipeline/pipeline.ts";
import { ResultProcessorError } from "../../../src/core/result_processor.ts";
import { eventually, everythingSettled } from "../../support/eventually.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { PartitionListener } from "../../support/kafka/partition_listener.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { NO_END, runParts } from "../../support/fakes/run_parts.ts";

Deno.test("runPipeline() gives an event up at once, when its lease is ending during a backoff", async (t) => {
  const cases: { during: string; parts: Partial<PipelineOptions> }[] = [
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
      const running = runParts({ listener, log: log.log, backoff: NO_END, ...parts }, lease);

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
  const running = runParts(
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

const NOT_ABOUT_EVENTS = {
  "an error response about the server": aResult("onError"),
  "no response": new HandlerError("no response"),
};

for (const [name, outcome] of Object.entries(NOT_ABOUT_EVENTS)) {
  Deno.test(`runPipeline() leaves an event undone for ${name} while the lease is ending`, async (t) => {
    for (const onFailure of ["block", "deadLetter", "discard"] as const) {
      for (const takesErrors of [false, true]) {
        await t.step(`${onFailure}, ${takesErrors ? "with" : "without"} onError`, async () => {
          const lease = new LeaseController();
          const answer = Promise.withResolvers<Result | HandlerError>();
          const listener = new FakeListener(anEvent());
          const handler = {
            handle: async () => {
              const result = await answer.promise;
              if (result instanceof HandlerError) throw result;
              return result;
            },
            [Symbol.asyncDispose]: () => Promise.resolve(),
          };
          const [processor, deadLetters] = [new FakeResultProcessor(), new FakeResultProcessor()];
          const log = new RecordedLog();
          const running = runParts({
            listener,
            handler,
            resultProcessors: takesErrors ? [{ when: ["onError"], processor }] : [],
            deadLetters,
            policy: { retry: null, noResponse: { maxAttempts: 1 }, onFailure },
            log: log.log,
            backoff: NO_END,
          }, lease);
          await everythingSettled();
          lease.beginEnd();
          answer.resolve(outcome);
          await running;

          assertEquals(processor.stored, []);
          assertEquals(deadLetters.stored, []);
          assertEquals(listener.outcomes, [
            "MY_FIRST_TOPIC[0]@184 not settled: The pipeline stops, and the outcome is not about the event",
          ]);
          assertEquals(listener.isWorking, false);
          assertEquals([...log.of("ERROR"), ...log.of("WARN")], []);
          assertMatch(log.of("INFO").join(), /@184 stays unfinished, as the pipeline stops: /);
        });
      }
    }
  });
}

Deno.test("runPipeline() does with an error response about the event what is configured, while the lease is ending", async () => {
  const lease = new LeaseController();
  const answer = Promise.withResolvers<Result>();
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(answer.promise);
  const deadLetters = new FakeResultProcessor();
  const policy = { retry: null, noResponse: null, onFailure: "deadLetter" } as const;
  const running = runParts({ listener, handler, deadLetters, policy }, lease);
  await eventually(() => handler.calls.length === 1, { what: "the call begins" });
  lease.beginEnd();
  answer.resolve(aResult("onError", { status: "422", isTransient: false, isAboutServer: false }));
  await running;
  assertEquals(deadLetters.stored.length, 1);
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
});

Deno.test("runPipeline() does not settle an event, when its lease ended during the call", async () => {
  const lease = new LeaseController();
  const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(answer.promise);
  const log = new RecordedLog();
  const running = runParts({ listener, handler, log: log.log }, lease);

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

    await runParts(
      { listener, handler, resultProcessors: [{ when: ["onSuccess"], processor }] },
      lease,
    );

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

    await runParts({
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

Deno.test("runPipeline() makes no call, when the lease is ending before", async (t) => {
  for (const ordering of ["key", "partition", "none"] as const) {
    await t.step(ordering, async () => {
      const lease = new LeaseController();
      const listener = new FakeListener(anEvent());
      const handler = new FakeHandler(aResult());
      lease.beginEnd();

      await runParts({ listener, handler, ordering }, lease);

      assertEquals(handler.calls, []);
      assertEquals(listener.outcomes, [
        "MY_FIRST_TOPIC[0]@184 not settled: The lease ended before its turn",
      ]);
    });
  }
});

Deno.test("runPipeline() makes no call, when the lease has ended since the call got its slot", async () => {
  const lease = new LeaseController();
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(aResult());

  const running = runParts({ listener, handler }, lease);
  assertEquals(listener.isWorking, true);
  lease.end();
  await running;

  assertEquals({ calls: handler.calls, isWorking: listener.isWorking }, {
    calls: [],
    isWorking: false,
  });
  assertEquals(listener.outcomes.map((outcome) => outcome.split(":")[0]), [
    "MY_FIRST_TOPIC[0]@184 not settled",
  ]);
});

Deno.test("runPipeline() makes no call while the lease is suspended, and goes on when it is resumed", async () => {
  const listener = new PartitionListener(anEvent());
  const { lease } = listener;
  const handler = new FakeHandler(aResult());
  lease.suspend();
  const running = runParts({ listener, handler });

  await everythingSettled();
  assertEquals(handler.calls, []);

  lease.resume();
  await running;
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
});

Deno.test("runPipeline() publishes what was called for while the lease is suspended, as often as it takes", async () => {
  const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
  const listener = new PartitionListener(anEvent());
  const { lease } = listener;
  const handler = new FakeHandler(answer.promise);
  const away = new ResultProcessorError("away");
  const processor = new FakeResultProcessor({ failures: [away, away] });
  const running = runParts({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
  });

  await eventually(() => handler.calls.length === 1, { what: "the call begins" });
  lease.suspend();
  assertEquals(handler.signals.map(({ aborted }) => aborted), [false]);
  answer.resolve(aResult());
  await running;

  assertEquals(processor.stored.length, 1);
  assertEquals(listener.outcomes, ["MY_FIRST_TOPIC[0]@184 settled"]);
});

Deno.test("runPipeline() repeats no call while the lease is suspended", async () => {
  const listener = new PartitionListener(anEvent());
  const { lease } = listener;
  const handler = new FakeHandler(() => {
    lease.suspend();
    return new HandlerError("no response");
  }, aResult());
  const running = runParts({ listener, handler });

  await eventually(() => handler.calls.length === 1, { what: "the call fails" });
  await everythingSettled();
  assertEquals({ calls: handler.calls.length, isWorking: listener.isWorking }, {
    calls: 1,
    isWorking: false,
  });

  lease.resume();
  await running;
  assertEquals(handler.calls.length, 2);
});

Deno.test("runPipeline() calls for events between those that have begun, when the lease is suspended or ending", async (t) => {
  for (const close of ["suspend", "beginEnd"] as const) {
    await t.step(close, async () => {
      const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
      const handler = new FakeHandler(answer.promise);
      const listener = new PartitionListener(
        ...["a", "a", "b", "a", "b"].map((key, offset) => anEvent({ key: bytes(key), offset })),
      );
      const { lease } = listener;
      const running = runParts({ listener, handler });
      await eventually(() => handler.calls.length === 2, { what: "one call of each key begins" });

      lease[close]();
      answer.resolve(aResult());
      const settled = () => listener.outcomes.filter((outcome) => outcome.endsWith(" settled"));
      await eventually(() => settled().length === 3, { what: "three events settle" });
      await everythingSettled();
      assertEquals(settled().toSorted(), [
        "MY_FIRST_TOPIC[0]@0 settled",
        "MY_FIRST_TOPIC[0]@1 settled",
        "MY_FIRST_TOPIC[0]@2 settled",
      ]);
      assertEquals(handler.calls.length, 3);

      lease.end();
      await running;
    });
  }
});

Deno.test("runPipeline() works on an event from the call until its result is stored", async () => {
  const answer = Promise.withResolvers<ReturnType<typeof aResult>>();
  const gate = Promise.withResolvers<void>();
  const listener = new FakeListener(anEvent());
  const handler = new FakeHandler(answer.promise);
  const processor = new FakeResultProcessor({ gate: () => gate.promise });
  const states = [listener.isWorking];
  const running = runParts({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
  });

  await eventually(() => handler.calls.length === 1, { what: "the call begins" });
  states.push(listener.isWorking);
  answer.resolve(aResult());
  await eventually(() => processor.calls === 1, { what: "publishing begins" });
  states.push(listener.isWorking);
  gate.resolve();
  await running;
  states.push(listener.isWorking);

  assertEquals(states, [false, true, true, false]);
});
