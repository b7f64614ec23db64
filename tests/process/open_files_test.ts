import { assertEquals } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import { fitToOpenFiles } from "../../src/process/open_files.ts";

const ADMIN = { hostname: "127.0.0.1", port: 9464, readyAfterMs: 0 };

Deno.test("fitToOpenFiles() counts calls, brokers, the admin interface and the process itself", () => {
  const totals: number[] = [];
  const roomFor = (most: number) => {
    totals.push(most);
    return most;
  };
  const pipelines = [pipeline({ concurrency: 3000 }), pipeline({ concurrency: 2 })];
  const fits = { shareOfCalls: 1, warning: null };
  assertEquals(fitToOpenFiles({ pipelines, admin: ADMIN }, roomFor), fits);
  assertEquals(fitToOpenFiles({ pipelines: [pipeline({})] }, roomFor), fits);
  assertEquals(totals, [3002 + 24 + 64 + 48, 32 + 12 + 0 + 32]);
});

Deno.test("fitToOpenFiles() names the numbers and the cure, when the limit is too low", () => {
  const pipelines = [pipeline({ concurrency: 3000 })];
  const { warning } = fitToOpenFiles({ pipelines, admin: ADMIN }, () => 1024);
  assertEquals(
    warning,
    "the limit of open files (ulimit -n) allows 1024 more files, but up to 3108 may be needed: 3000 for " +
      "calls ('concurrency'), 12 for brokers, 64 for 'admin', 32 for the process; at most 916 calls " +
      "run at a time; raise the limit by 2084, or lower 'concurrency'",
  );
  assertEquals(fitToOpenFiles({ pipelines, admin: ADMIN }, () => 3107).warning === null, false);
});

Deno.test("fitToOpenFiles() leaves to calls what nothing else needs, and never less than nothing", () => {
  const pipelines = [pipeline({ concurrency: 1000 })];
  assertEquals(
    [608, 1108, 50].map((room) =>
      fitToOpenFiles({ pipelines, admin: ADMIN }, () => room).shareOfCalls
    ),
    [0.5, 1, 0],
  );
});

function pipeline(keys: Record<string, unknown>): PipelineConfig {
  const servers = { "bootstrap.servers": "broker:9092" };
  return pipelineSchema.parse({
    name: "orders",
    eventListener: {
      type: "kafka",
      topic: "ORDERS",
      consumerConfig: { ...servers, "group.id": "orders" },
    },
    eventHandler: { type: "http", url: "http://localhost/" },
    eventResultProcessor: {
      type: "kafka",
      topic: "RESULTS",
      when: "onSuccess",
      producerConfig: servers,
    },
    ...keys,
  });
}
