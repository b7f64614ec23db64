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
