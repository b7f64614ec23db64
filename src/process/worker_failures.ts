import { PAUSE_AFTER_REFUSAL_MS, refusalIn } from "../core/access_refused.ts";
import type { FailedReport } from "./worker_messages.ts";

/** The last message of a Worker that ended with an error. */
export function failedReport(error: unknown): FailedReport {
  const reason = error instanceof Error ? error.message : String(error);
  return { kind: "failed", reason, isRefusal: refusalIn(error) !== null };
}

/** The pause after a failure. @param delayMs by the backoff */
export function pauseAfter({ isRefusal }: FailedReport, delayMs: number): number {
  return isRefusal ? Math.max(delayMs, PAUSE_AFTER_REFUSAL_MS) : delayMs;
}

/**
 * Reports this Worker's uncaught errors, and returns a function that reports an error. Otherwise, the runtime would end
 * the whole process and print a stack that may hold payload.
 */
export function reportFailures(report: (message: FailedReport) => void): (error: unknown) => void {
  function fail(error: unknown): void {
    report(failedReport(error));
  }
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  return fail;
}
