import { assertEquals } from "@std/assert";
import { PipelineHealth } from "../../src/core/health.ts";

/** What is known of a pipeline, and a clock that is moved by hand. */
function aPipeline() {
  const clock = { nowMs: 0 };
  return { clock, health: new PipelineHealth({ now: () => clock.nowMs }) };
}

Deno.test("PipelineHealth has the reasons of what fails, until it works", () => {
  const { health } = aPipeline();
  assertEquals(health.reasons(), []);
  health.fails("broker", "cannot reach it");
  health.fails("outage", "the endpoint is away");
  assertEquals(health.reasons(), ["cannot reach it", "the endpoint is away"]);
  health.works("broker");
  health.works("what never failed");
  assertEquals(health.reasons(), ["the endpoint is away"]);
});

Deno.test("PipelineHealth has one reason for a cause, the last one", () => {
  const { health } = aPipeline();
  health.fails("broker", "first");
  health.fails("broker", "last");
  assertEquals(health.reasons(), ["last"]);
});

Deno.test("PipelineHealth waits with a failure as long as it should, from when it began", () => {
  const { health, clock } = aPipeline();
  health.fails("event", "it fails", { afterMs: 30_000 });
  clock.nowMs = 20_000;
  health.fails("event", "it still fails", { afterMs: 30_000 });
  assertEquals(health.reasons(), []);
  clock.nowMs = 30_000;
  assertEquals(health.reasons(), ["it still fails"]);
});

Deno.test("PipelineHealth forgets a failure that is not noted again in time", () => {
  const { health, clock } = aPipeline();
  health.fails("broker", "away", { forMs: 90_000 });
  clock.nowMs = 80_000;
  health.fails("broker", "away", { forMs: 90_000 });
  clock.nowMs = 170_000;
  assertEquals(health.reasons(), ["away"]);
  clock.nowMs = 170_001;
  assertEquals(health.reasons(), []);
});

Deno.test("PipelineHealth shows a few reasons of many", () => {
  const { health } = aPipeline();
  for (let event = 0; event < 1000; event++) health.fails(`${event}`, `event ${event}`);
  const reasons = health.reasons();
  assertEquals([reasons.length, reasons[0], reasons.at(-1)], [11, "event 0", "and 990 more"]);
});

Deno.test("PipelineHealth shows what matters at once before the many events that fail because of it", () => {
  const { health, clock } = aPipeline();
  for (let event = 0; event < 64; event++) {
    health.fails(`${event}`, `event ${event}`, { afterMs: 30_000 });
  }
  clock.nowMs = 30_000;
  health.fails("outage", "the endpoint is away");
  assertEquals(health.reasons()[0], "the endpoint is away");
});
