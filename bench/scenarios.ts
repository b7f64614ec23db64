import { drainBacklog } from "./backlog.ts";
import { runBareLoop } from "./bare_loop.ts";
import { measureFailures } from "./failures.ts";
import { measureFairness } from "./fairness.ts";
import { measureIdle } from "./idle.ts";
import { measureLatency } from "./latency.ts";
import { measureBrokerAway } from "./broker_away.ts";
import type { Scenario } from "./scenario.ts";

/** What is measured, in this order. */
export const SCENARIOS: readonly Scenario[] = [
  {
    number: 1,
    name: "bare fetch loop, 0 ms, 64 calls at a time",
    run: runBareLoop,
  },
  {
    number: 2,
    name: "endpoint 0 ms, `ordering: key`, `concurrency: 64`",
    comparedWith: 1,
    run: (bench) =>
      drainBacklog(bench, { latencyMs: 0, ordering: "key", concurrency: 64, events: 250_000 }),
  },
  {
    number: 3,
    name: "endpoint 5 ms, `ordering: key`, `concurrency: 256`",
    comparedWith: 4,
    run: (bench) =>
      drainBacklog(bench, { latencyMs: 5, ordering: "key", concurrency: 256, events: 250_000 }),
  },
  {
    number: 4,
    name: "endpoint 5 ms, `ordering: partition`, `concurrency: 1`",
    run: (bench) =>
      drainBacklog(bench, {
        latencyMs: 5,
        ordering: "partition",
        concurrency: 1,
        events: 2000,
        maxEvents: 2000,
      }),
  },
  {
    number: 5,
    name: "latency, endpoint 0 ms, `ordering: key`, `concurrency: 64`",
    run: (bench) => measureLatency(bench, { latencyMs: 0, ordering: "key", concurrency: 64 }),
  },
  {
    number: 6,
    name: "memory, endpoint 0 ms, `ordering: key`, `concurrency: 64`",
    run: (bench) =>
      drainBacklog(bench, {
        latencyMs: 0,
        ordering: "key",
        concurrency: 64,
        events: 1_000_000,
        memory: true,
      }),
  },
  {
    number: 7,
    name: "idle",
    run: (bench) => measureIdle(bench, { latencyMs: 0, ordering: "key", concurrency: 64 }),
  },
  {
    number: 8,
    name: "fairness, endpoint 5 ms, 12 partitions, `ordering: key`, `concurrency: 32`",
    run: (bench) => measureFairness(bench, { latencyMs: 5, ordering: "key", concurrency: 32 }),
  },
  {
    number: 9,
    name: "failures, as 2 with `retry: { maxAttempts: 10 }`, 500 for 10 % of the calls",
    run: (bench) =>
      measureFailures(bench, {
        latencyMs: 0,
        ordering: "key",
        concurrency: 64,
        events: 250_000,
        handlerKeys: ["retry: { maxAttempts: 10 }"],
        failingShare: 0.1,
      }),
  },
  {
    number: 10,
    name: "one of two brokers away, endpoint 5 ms, `ordering: key`, `concurrency: 32`",
    run: (bench) =>
      measureBrokerAway(bench, { latencyMs: 5, ordering: "key", concurrency: 32, events: 60_000 }),
  },
];
