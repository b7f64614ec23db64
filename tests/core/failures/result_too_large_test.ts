import { assertEquals } from "@std/assert";
import { anEvent } from "../../support/events.ts";
import {
  FailingPipeline,
  headerOf,
  ORIGIN,
  PERMANENT,
  POLICY,
  TOO_LARGE,
} from "../../support/fakes/failing_pipeline.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";

Deno.test("runPipeline() publishes an error in place of a result that is too large", async () => {
  const failing = new FailingPipeline(new FakeHandler(aResult()));
  const processor = new FakeResultProcessor({ failures: [TOO_LARGE] });
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
  assertEquals(headerOf(error!, "eventor-error"), "result larger than its destination allows");
});

Deno.test("runPipeline() publishes an error in place of an error response that is too large", async () => {
  const processor = new FakeResultProcessor({ failures: [TOO_LARGE] });
  const failing = new FailingPipeline(new FakeHandler(PERMANENT));
  await failing.run({ resultProcessors: [{ when: ["onError"], processor }] });
  assertEquals(processor.stored.map(({ value }) => value), [new Uint8Array()]);
  assertEquals(headerOf(processor.stored[0]!, "eventor-status"), "400");
  assertEquals(failing.deadLetters.stored, []);
});

Deno.test("runPipeline() keeps a result that is too large and blocks, and stores it only where it is missing", async () => {
  const first = new FakeResultProcessor();
  const refusing = new FakeResultProcessor({ failures: Array(5).fill(TOO_LARGE) });
  const last = new FakeResultProcessor();
  const failing = new FailingPipeline(new FakeHandler(aResult()));
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

Deno.test("runPipeline() applies onFailure to a tombstone that is too large", async (t) => {
  for (
    const { onFailure, letters, stored } of [
      { onFailure: "deadLetter", letters: 1, stored: 0 },
      { onFailure: "discard", letters: 0, stored: 0 },
      { onFailure: "block", letters: 0, stored: 1 },
    ] as const
  ) {
    await t.step(onFailure, async () => {
      const processor = new FakeResultProcessor({ failures: [TOO_LARGE] });
      const listener = new FakeListener(anEvent({ value: null }));
      const failing = new FailingPipeline(new FakeHandler(aResult()), { listener });
      await failing.run({
        onTombstone: "forward",
        policy: { ...POLICY, onFailure },
        resultProcessors: [{ when: ["onSuccess"], processor }],
      });
      assertEquals([failing.deadLetters.stored.length, processor.stored.length], [letters, stored]);
      assertEquals(listener.outcomes, [`${ORIGIN} settled`]);
    });
  }
});

Deno.test("runPipeline() makes an event a dead letter, when its result is too large and no result processor takes errors", async () => {
  const failing = new FailingPipeline(new FakeHandler(aResult()));
  const processor = new FakeResultProcessor({ failures: [TOO_LARGE] });
  await failing.run({ resultProcessors: [{ when: ["onSuccess"], processor }] });
  const [letter] = failing.deadLetters.stored;
  assertEquals(headerOf(letter!, "eventor-dead-letter-reason"), "tooLarge");
});
