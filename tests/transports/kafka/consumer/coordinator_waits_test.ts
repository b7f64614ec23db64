import { assertEquals } from "@std/assert";
import { PipelineHealth } from "../../../../src/core/health.ts";
import { CoordinatorWaits } from "../../../../src/transports/kafka/consumer/coordinator_waits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const LOADING = Object.assign(new Error("it is loading"), { type: "GROUP_LOAD_IN_PROGRESS" });
const SAID =
  "no broker coordinates group 'orders' for now (it is loading); asking again until one does";

Deno.test("CoordinatorWaits says nothing of a coordinator that is away for a moment", () => {
  const { waits, clock, log, health } = aGroup();
  waits.failed(LOADING);
  clock.nowMs += 4900;
  waits.failed(LOADING);
  assertEquals(health.reasons(), []);
  waits.served();
  clock.nowMs += 4900;
  waits.failed(LOADING);
  assertEquals(log.of("WARN"), []);
  assertEquals(log.of("INFO"), []);
});

Deno.test("CoordinatorWaits says once a minute that it lasts, and when it is over", () => {
  const { waits, clock, log, health } = aGroup();
  for (let second = 0; second <= 70; second++) {
    waits.failed(LOADING);
    clock.nowMs += 1000;
  }
  assertEquals(log.of("WARN"), [SAID, SAID]);
  assertEquals(health.reasons(), [SAID]);
  waits.served();
  assertEquals(health.reasons(), []);
  assertEquals(log.of("INFO"), ["a broker coordinates group 'orders' again"]);
});

Deno.test("CoordinatorWaits does not take another failure for its own", () => {
  const { waits, clock, log, health } = aGroup();
  for (let second = 0; second <= 10; second++) {
    waits.failed(Object.assign(new Error("no"), { type: "GROUP_AUTHORIZATION_FAILED" }));
    clock.nowMs += 1000;
  }
  assertEquals(log.lines, []);
  assertEquals(health.reasons(), []);
});

function aGroup() {
  const clock = { nowMs: 0 };
  const now = () => clock.nowMs;
  const log = new RecordedLog();
  const health = new PipelineHealth({ now });
  return {
    clock,
    log,
    health,
    waits: new CoordinatorWaits("orders", { log: log.log, health, now }),
  };
}
