import type { Backoff } from "../../../src/core/backoff.ts";
import { DEFAULT_RETRY, type FailurePolicy } from "../../../src/core/failure_policy.ts";
import { CircuitBreaker } from "../../../src/core/failures/circuit_breaker.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { type PipelineOptions, runPipeline } from "../../../src/core/pipeline/pipeline.ts";
import { aResult, FakeHandler } from "./handler.ts";
import { FakeListener } from "./listener.ts";
import { RecordedLog } from "../recorded_log.ts";

/** A backoff that tries again at once. */
export const NO_WAIT: Backoff = { initialDelayMs: 0, maxDelayMs: 0, multiplier: 1 };

/** A backoff that no test outlives. With full jitter, a delay under ten seconds is one case in 200,000. */
export const NO_END: Backoff = { initialDelayMs: 2e9, maxDelayMs: 2e9, multiplier: 1 };

/** The policy of a handler that configures neither `retry` nor a destination of failed events. */
export const DEFAULT_FAILURE_POLICY: FailurePolicy = {
  retry: null,
  noResponse: DEFAULT_RETRY,
  onFailure: "block",
};

/** Runs a pipeline of the given parts. Those that are left out do not matter to the test. */
export function runParts(
  parts: Partial<PipelineOptions>,
  lease: LeaseController = new LeaseController(),
): Promise<void> {
  const all: Omit<PipelineOptions, "breaker"> & { breaker?: CircuitBreaker } = {
    name: "orders",
    listener: new FakeListener(),
    handler: new FakeHandler(aResult()),
    resultProcessors: [],
    policy: DEFAULT_FAILURE_POLICY,
    onTombstone: "send",
    ordering: "key",
    concurrency: 32,
    log: new RecordedLog().log,
    backoff: NO_WAIT,
    ...parts,
  };
  const breaker = new CircuitBreaker({ ...all, startsHalfOpen: all.handler.mayBeRefused });
  return runPipeline({ breaker, ...all }, lease);
}
