import { assertEquals } from "@std/assert";
import { ResultProcessorError } from "../../src/core/result_processor.ts";
import { anEvent, bytes } from "../support/events.ts";
import { aResult, FakeHandler } from "../support/fakes/handler.ts";
import { FakeListener } from "../support/fakes/listener.ts";
import { FakeResultProcessor } from "../support/fakes/result_processor.ts";
import { runParts } from "../support/fakes/run_parts.ts";
import { RecordedLog } from "../support/recorded_log.ts";

Deno.test("runPipeline() repeats a failed publication without a second call", async () => {
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
