import { assertEquals } from "@std/assert";
import { anEvent, bytes } from "../../support/events.ts";
import { FailingPipeline, ORIGIN } from "../../support/fakes/failing_pipeline.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";

Deno.test("runPipeline() applies onTombstone", async (t) => {
  const tombstone = () => new FakeListener(anEvent({ value: null }));
  for (
    const { onTombstone, expected } of [
      { onTombstone: "send", expected: { calls: 1, values: [bytes("result")] } },
      { onTombstone: "skip", expected: { calls: 0, values: [] } },
      { onTombstone: "forward", expected: { calls: 0, values: [null] } },
    ] as const
  ) {
    await t.step(onTombstone, async () => {
      const failing = new FailingPipeline(new FakeHandler(aResult()), { listener: tombstone() });
      await failing.run({ onTombstone });
      const values = failing.successes.stored.map(({ value }) => value);
      assertEquals({ calls: failing.handler.calls.length, values }, {
        calls: expected.calls,
        values: [...expected.values],
      });
      assertEquals(failing.listener.outcomes, [`${ORIGIN} settled`]);
    });
  }
});
