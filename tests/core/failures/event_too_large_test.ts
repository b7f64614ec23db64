import { assertEquals } from "@std/assert";
import type { OnFailure } from "../../../src/core/failure_policy.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { eventually } from "../../support/eventually.ts";
import { anEvent } from "../../support/events.ts";
import { headerOf } from "../../support/fakes/failing_pipeline.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { NO_WAIT, runParts } from "../../support/fakes/run_parts.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const REASON = "the event has 60000000 bytes, more than maxEventBytes (8388608)";

/** A pipeline with one event of which the value was left out. */
function run(onFailure: OnFailure) {
  const handler = new FakeHandler(aResult());
  const deadLetters = new FakeResultProcessor();
  const recorded = new RecordedLog();
  const lease = new LeaseController();
  const event = anEvent({
    value: new Uint8Array(),
    oversize: { bytes: 60_000_000, maxBytes: 8_388_608 },
  });
  const running = runParts({
    listener: new FakeListener(event),
    handler,
    deadLetters,
    policy: { retry: { maxAttempts: 3, backoff: NO_WAIT }, noResponse: null, onFailure },
    onTombstone: "skip",
    log: recorded.log,
  }, lease);
  return { handler, deadLetters, recorded, lease, running };
}

Deno.test("runPipeline() makes an event whose value was left out a dead letter without a call", async () => {
  const { handler, deadLetters, recorded, running } = run("deadLetter");
  await running;
  assertEquals(handler.calls, []);
  const [letter] = deadLetters.stored;
  assertEquals(letter?.value, new Uint8Array());
  assertEquals(headerOf(letter!, "eventor-dead-letter-reason"), "eventTooLarge");
  assertEquals(headerOf(letter!, "eventor-dead-letter-value-left-out"), "60000000");
  assertEquals(recorded.matching(/WARN/), [
    `WARN - dead letter of MY_FIRST_TOPIC[0]@184: ${REASON}`,
  ]);
});

Deno.test("runPipeline() discards an event whose value was left out, when that is configured", async () => {
  const { handler, deadLetters, recorded, running } = run("discard");
  await running;
  assertEquals([handler.calls, deadLetters.stored], [[], []]);
  assertEquals(recorded.matching(/WARN/), [`WARN - discarded MY_FIRST_TOPIC[0]@184: ${REASON}`]);
});

Deno.test("runPipeline() lets an event whose value was left out block, when that is configured", async () => {
  const { handler, deadLetters, recorded, lease, running } = run("block");
  await eventually(() => recorded.lines.some((line) => line.includes(REASON)), {
    deadlineMs: 5000,
    what: "the line that it blocks",
  });
  lease.beginEnd();
  lease.end();
  await running;
  assertEquals([handler.calls, deadLetters.stored], [[], []]);
});
