import { assertEquals } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import { RedriveSupervisor } from "../../src/process/redrive_supervisor.ts";
import { inTime } from "../support/eventually.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { aPipeline } from "../support/workers/supervised.ts";

const PIPELINE = pipelineSchema.parse({
  name: "orders",
  eventListener: { type: "stdin" },
  eventHandler: { type: "http", url: "http://127.0.0.1:9/" },
  deadLetter: { type: "stdout" },
});

function aSupervisor(
  { worker, pipeline = PIPELINE, limit, dryRun = false }: {
    worker: string;
    pipeline?: PipelineConfig;
    limit?: number;
    dryRun?: boolean;
  },
) {
  const recorded = new RecordedLog();
  const supervisor = new RedriveSupervisor(pipeline, {
    selection: { limit, dryRun },
    log: recorded.sink,
    workerUrl: new URL(`../support/workers/${worker}`, import.meta.url),
  });
  return { supervisor, recorded };
}

Deno.test("RedriveSupervisor goes on after a failure in the same range, with what is left of the limit", async () => {
  const { supervisor, recorded } = aSupervisor({ worker: "failing_redrive_worker.ts", limit: 5 });
  assertEquals(await supervisor.run(), null);
  assertEquals(
    recorded.matching(/the redrive of 'orders' stopped: failed on purpose; continuing in/).length,
    1,
  );
  assertEquals(supervisor.progress, {
    counts: { redriven: 5, notMatching: 2, ofOtherPipelines: 0, notDeadLetters: 0 },
    reading: { range: "the six", total: 6, unread: 1, read: ["0 to 4"] },
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

Deno.test("RedriveSupervisor does not show dead letters twice, when a dry run fails", async () => {
  const { supervisor } = aSupervisor({ worker: "failing_redrive_worker.ts", dryRun: true });
  assertEquals(await supervisor.run(), "failed on purpose");
  assertEquals(supervisor.progress?.counts.redriven, 3);
});

Deno.test("RedriveSupervisor ends a dry run that is stopped without a failure", async () => {
  const { supervisor, recorded } = aSupervisor({ worker: "broken_worker.ts", dryRun: true });
  const running = supervisor.run();
  supervisor.stop(0);
  const { value } = await inTime(running, { deadlineMs: 20_000, what: "its end" });
  assertEquals([value, recorded.matching(/continuing in/)], [null, []]);
});

Deno.test("RedriveSupervisor has nothing to report when it is stopped while it still asks a broker who it is", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const broker = `127.0.0.1:${silent.addr.port}`;
  const pipeline = aPipeline({ topic: "orders", url: "http://127.0.0.1:1/", broker });
  const { supervisor, recorded } = aSupervisor({ worker: "broken_worker.ts", pipeline });
  const running = supervisor.run();
  using _connection = await silent.accept();
  supervisor.stop(0);
  assertEquals([await running, recorded.matching(/WARN|ERROR/)], [null, []]);
});
