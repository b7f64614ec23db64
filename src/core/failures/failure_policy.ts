import type { Backoff } from "../backoff.ts";

/** What becomes of an event that has failed for good, in the configuration's words. */
export type OnFailure = "block" | "deadLetter" | "discard";

/** What becomes of an event without a value: it is sent as any other, passed over, or goes to where results go. */
export type OnTombstone = "send" | "skip" | "forward";

/** `retry` as it is configured. */
export interface RetryConfig {
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** Statuses of responses, and `noResponse`. */
  readonly on: readonly (number | "noResponse")[];
}

/** What every handler's section says of failures. */
export interface FailureConfig {
  readonly retry: RetryConfig | null;
  readonly onFailure?: OnFailure | undefined;
  readonly onTombstone: OnTombstone;
}

/** How calls that failed are repeated. */
export interface RetryPolicy {
  /** How many calls an event may have that count, 1 at least. */
  readonly maxAttempts: number;
  /** When it is not that of everything else. */
  readonly backoff?: Backoff;
}

/** What is done about calls that fail. */
export interface FailurePolicy {
  /** For error responses that may be other ones next time; null: they are results at once. */
  readonly retry: RetryPolicy | null;
  /** For calls that bring no response; null: one that was this event's own failure is one for good. */
  readonly noResponse: RetryPolicy | null;
  readonly onFailure: OnFailure;
}

/** For calls without a response, when the configuration says nothing of repetitions. */
export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 5 };

/** When the configuration says nothing of failures. */
export const DEFAULT_FAILURE_POLICY: FailurePolicy = {
  retry: null,
  noResponse: DEFAULT_RETRY,
  onFailure: "block",
};

/** What a configuration says, with what it leaves to the pipeline. */
export function failurePolicy(
  { retry, onFailure }: FailureConfig,
  { hasDeadLetters }: { hasDeadLetters: boolean },
): FailurePolicy {
  const repeats = retry && { maxAttempts: retry.maxAttempts, backoff: retry.backoff };
  const repeatsNoResponse = retry === null || retry.on.includes("noResponse");
  return {
    retry: repeats,
    noResponse: repeatsNoResponse ? repeats ?? DEFAULT_RETRY : null,
    onFailure: hasDeadLetters ? "deadLetter" : onFailure ?? "block",
  };
}
