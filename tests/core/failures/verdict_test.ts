import { assertEquals } from "@std/assert";
import { DEFAULT_FAILURE_POLICY } from "../../../src/core/failures/failure_policy.ts";
import { OutageGuard } from "../../../src/core/failures/outage_guard.ts";
import { attemptsFor } from "../../../src/core/failures/retry.ts";
import { Silences } from "../../../src/core/failures/silences.ts";
import { judge } from "../../../src/core/failures/verdict.ts";
import { HandlerError } from "../../../src/core/handler.ts";
import { anEvent } from "../../support/events.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

Deno.test("judge() takes calls that lack a resource of this machine for no outage", () => {
  const { log } = new RecordedLog();
  let nowMs = 0;
  const guard = new OutageGuard({ log }, { now: () => nowMs });
  const event = anEvent({ key: null });
  const parts = {
    guard,
    silences: new Silences(),
    policy: DEFAULT_FAILURE_POLICY,
    takesErrors: false,
  };
  const judgeMany = (error: HandlerError) => {
    for (let call = 0; call < 100; call++) {
      nowMs += 100;
      judge(error, event, { ...parts, attempts: attemptsFor(event, { log }), history: {} });
    }
  };
  judgeMany(new HandlerError("too many open connections", { wasSent: false, isForWant: true }));
  assertEquals(guard.isOpen, false);
  judgeMany(new HandlerError("connection refused", { wasSent: false }));
  assertEquals(guard.isOpen, true);
});
