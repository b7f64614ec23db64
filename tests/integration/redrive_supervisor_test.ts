import { assertEquals } from "@std/assert";
import { pipelineSchema } from "../../src/config/schema.ts";
import { RedriveSupervisor } from "../../src/process/redrive_supervisor.ts";
import { inTime } from "../support/eventually.ts";
import { RecordedLog } from "../support/recorded_log.ts";

const PIPELINE = pipelineSchema.parse({
  name: "orders",
  eventListener: { type: "stdin" },
  eventHandler: { type: "http", url: "http://127.0.0.1:9/" },
  deadLetter: { type: "stdout" },
});

function aSupervisor(
  { worker, limit, dryRun = false }: { worker: string; limit?: number; dryRun?: boolean },
) {
  const recorded = new RecordedLog();
  const supervisor = new RedriveSupervisor(PIPELINE, {
    selection: { limit, dryRun },
    log: recorded.sink,
    workerUrl: new URL(`../support/${worker}`, import.meta.url),
  });
  return { supervisor, recorded };
}

Deno.test("RedriveSupervisor goes on after a failure up to the same end, with what is left of the limit", async () => {
  const { supervisor, recorded } = aSupervisor({ worker: "failing_redrive_worker.ts", limit: 5 });
  assertEquals(await supervisor.run(), null);
  assertEquals(
    recorded.matching(/the redrive of 'orders' stopped: failed on purpose; going on in/).length,
    1,
  );
  assertEquals(supervisor.progress, {
    counts: { putBack: 5, notChosen: 2, putBackBefore: 0, ofOtherPipelines: 0, noDeadLetters: 0 },
    starts: new Map([[0, 0]]),
    ends: new Map([[0, 6]]),
    positions: new Map([[0, 5]]),
  });
});

Deno.test("RedriveSupervisor tries again and again, until it is stopped", async () => {
  const { supervisor, recorded } = aSupervisor({ worker: "broken_worker.ts" });
  const running = supervisor.run();
  await recorded.line(/the redrive of 'orders' stopped: .*broken on purpose/, { count: 2 });
  supervisor.stop(0);
  const { value } = await inTime(running, { deadlineMs: 20_000, what: "its end" });
  assertEquals([value, supervisor.progress], [null, null]);
});

Deno.test("RedriveSupervisor does not show letters twice, when a dry run fails", async () => {
  const { supervisor } = aSupervisor({ worker: "failing_redrive_worker.ts", dryRun: true });
  assertEquals(await supervisor.run(), "failed on purpose");
  assertEquals(supervisor.progress?.counts.putBack, 3);
});

Deno.test("RedriveSupervisor ends a dry run that is stopped without a failure", async () => {
  const { supervisor, recorded } = aSupervisor({ worker: "broken_worker.ts", dryRun: true });
  const running = supervisor.run();
  supervisor.stop(0);
  const { value } = await inTime(running, { deadlineMs: 20_000, what: "its end" });
  assertEquals([value, recorded.matching(/going on in/)], [null, []]);
});
