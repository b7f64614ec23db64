import { assertEquals } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import { neededFiles, openFilesWarning, shareOfCalls } from "../../src/process/open_files.ts";

const ADMIN = { hostname: "127.0.0.1", port: 9464, readyAfterMs: 0 };

Deno.test("neededFiles() counts calls, brokers, the admin interface and the process itself", () => {
  const pipelines = [pipeline({ concurrency: 3000 }), pipeline({ concurrency: 2 })];
  assertEquals(neededFiles({ pipelines, admin: ADMIN }), {
    calls: 3002,
    hosts: 24,
    admin: 64,
    rest: 48,
  });
  assertEquals(neededFiles({ pipelines: [pipeline({})] }), {
    calls: 32,
    hosts: 12,
    admin: 0,
    rest: 32,
  });
});

Deno.test("openFilesWarning() names the numbers and the cure, when the limit is too low", () => {
  const needed = { calls: 3000, hosts: 12, admin: 64, rest: 48 };
  assertEquals(
    openFilesWarning(needed, 1024),
    "the limit of open files (ulimit -n) allows 1024 more files, but up to 3124 may be needed: 3000 for " +
      "calls ('concurrency'), 12 for brokers, 64 for 'admin', 48 for the process; at most 900 calls " +
      "run at a time; raise the limit by 2100, or lower 'concurrency'",
  );
  assertEquals(openFilesWarning(needed, 3123) === null, false);
  assertEquals(openFilesWarning(needed, 3124), null);
});

Deno.test("shareOfCalls() is what the limit leaves for calls, and never more than all of them", () => {
  const needed = { calls: 1000, hosts: 12, admin: 64, rest: 24 };
  assertEquals([600, 1100, 100_000, 50].map((limit) => shareOfCalls(needed, limit)), [
    0.5,
    1,
    1,
    0,
  ]);
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
