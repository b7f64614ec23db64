import { assertEquals, assertMatch } from "@std/assert";
import { HandlerError } from "../../src/core/handler.ts";
import { LeaseController } from "../../src/core/lease.ts";
import { runPipeline } from "../../src/core/pipeline.ts";
import { ResultProcessorError } from "../../src/core/result_processor.ts";
import { eventually, everythingSettled } from "../support/eventually.ts";
import { anEvent, bytes } from "../support/events.ts";
import { aResult, FakeHandler } from "../support/fakes/handler.ts";
import { FakeListener } from "../support/fakes/listener.ts";
import { FakeResultProcessor } from "../support/fakes/result_processor.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { NO_END, NO_WAIT, runParts } from "../support/fakes/run_parts.ts";

Deno.test("runPipeline() handles an event again, when its result is an error that nobody takes", async () => {
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
        "later events of its key are blocked; trying again in 0.0 s",
    ),
  );
});

Deno.test("runPipeline() handles an event again, when there was no response", async () => {
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

Deno.test("runPipeline() tells twenty times why calls are repeated, however many events have the same reason", async () => {
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

Deno.test("runPipeline() waits before it handles an event again", async () => {
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

Deno.test("runPipeline() waits half a second at most before the first repetition, when no backoff is given", async () => {
  const handler = new FakeHandler(new HandlerError("no response"), aResult());
  const log = new RecordedLog();

  await runPipeline({
    name: "orders",
    listener: new FakeListener(anEvent()),
    handler,
    resultProcessors: [],
    ordering: "key",
    concurrency: 32,
    log: log.log,
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

  await runParts({
    listener,
    handler,
    resultProcessors: [{ when: ["onSuccess"], processor }],
    log: log.log,
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

  await runParts({
    listener: new FakeListener(anEvent()),
    handler: new FakeHandler(aResult()),
    resultProcessors: [first, second].map((processor) => ({ when: ["onSuccess"], processor })),
  });

  assertEquals([first.calls, second.calls], [1, 2]);
});
