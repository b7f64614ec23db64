import { assertEquals } from "@std/assert";
import { HandlerError } from "../../src/core/handler.ts";
import type { PipelineOptions } from "../../src/core/pipeline/pipeline.ts";
import { ResultProcessorError } from "../../src/core/result_processor.ts";
import type { Telemetry } from "../../src/core/telemetry.ts";
import { anEvent } from "../support/events.ts";
import { aResult, FakeHandler } from "../support/fakes/handler.ts";
import { FakeListener } from "../support/fakes/listener.ts";
import { FakeResultProcessor } from "../support/fakes/result_processor.ts";
import { runParts } from "../support/fakes/run_parts.ts";

/** Runs a pipeline for one event; resolves with what its telemetry received. */
async function received(parts: Partial<PipelineOptions>, event = anEvent()): Promise<string[]> {
  const lines: string[] = [];
  const telemetry: Telemetry = {
    entered: ({ state }) => lines.push(state),
    called: (_, outcome, durationMs) => {
      const what = outcome instanceof Error ? outcome.message : outcome.summary;
      lines.push(`called: ${what}${durationMs >= 0 ? "" : ", before it began"}`);
    },
    stored: (_, content, place) => lines.push(`${content} at ${place}`),
    settled: (_, how) => lines.push(`settled: ${how}`),
  };
  await runParts({ listener: new FakeListener(event), telemetry, ...parts });
  return lines;
}

const POLICY = { retry: null, noResponse: null } as const;
const PERMANENT = aResult("onError", { status: "422", isTransient: false, suggestsOutage: false });

Deno.test("Telemetry receives the states of an event, its calls, its record and how it settled", async () => {
  const handler = new FakeHandler(new HandlerError("no response"), aResult());
  const processor = new FakeResultProcessor({ failures: [new ResultProcessorError("away")] });
  const resultProcessors = [{ when: ["onSuccess"], processor }] as const;
  assertEquals(await received({ handler, resultProcessors }), [
    "queued",
    "calling",
    "called: no response",
    "backingOff",
    "queued",
    "calling",
    "called: status 200",
    "storing",
    "result at RESULTS[0]@0",
    "settled: done",
  ]);
});

Deno.test("Telemetry receives dead letters and what is discarded or skipped", async () => {
  const deadLetters = new FakeResultProcessor();
  const deadLetter = { ...POLICY, onFailure: "deadLetter" } as const;
  const handler = new FakeHandler(PERMANENT);
  const call = ["queued", "calling", "called: status 422"];
  assertEquals(await received({ handler, deadLetters, policy: deadLetter }), [
    ...call,
    "dead letter at RESULTS[0]@0",
    "settled: deadLetter",
  ]);
  assertEquals(
    await received({ handler, policy: { ...POLICY, onFailure: "discard" } }),
    [...call, "settled: discarded"],
  );
  assertEquals(
    await received({ handler, onTombstone: "skip" }, anEvent({ value: null })),
    ["settled: skipped"],
  );
});
