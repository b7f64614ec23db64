import type { Backoff } from "../../../src/core/backoff.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { type PipelineOptions, runPipeline } from "../../../src/core/pipeline/pipeline.ts";
import { aResult, FakeHandler } from "./handler.ts";
import { FakeListener } from "./listener.ts";
import { RecordedLog } from "../recorded_log.ts";

/** A backoff that tries again at once. */
export const NO_WAIT: Backoff = { initialDelayMs: 0, maxDelayMs: 0, multiplier: 1 };

/** A backoff that no test outlives. With full jitter, a delay under ten seconds is one case in 200,000. */
export const NO_END: Backoff = { initialDelayMs: 2e9, maxDelayMs: 2e9, multiplier: 1 };

/** Runs a pipeline of the given parts. Those that are left out do not matter to the test. */
export function runParts(
  parts: Partial<PipelineOptions>,
  lease: LeaseController = new LeaseController(),
): Promise<void> {
  return runPipeline({
    name: "orders",
    listener: new FakeListener(),
    handler: new FakeHandler(aResult()),
    resultProcessors: [],
    ordering: "key",
    concurrency: 32,
    log: new RecordedLog().log,
    backoff: NO_WAIT,
    ...parts,
  }, lease);
}
