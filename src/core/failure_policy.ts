import type { Backoff } from "./backoff.ts";

/** What happens to an event that has failed for good, as the configuration spells it. */
export type OnFailure = "block" | "deadLetter" | "discard";

/** What happens to an event without a value: it is sent like any other, skipped, or published as a tombstone. */
export type OnTombstone = "send" | "skip" | "forward";

/** The configured `retry` section. */
export interface RetryConfig {
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** Statuses of responses, and `noResponse`. */
  readonly on: readonly (number | "noResponse")[];
}

/** The part of every handler's section about failures. */
export interface FailureConfig {
  readonly retry: RetryConfig | null;
  readonly onFailure?: OnFailure | undefined;
  readonly onTombstone: OnTombstone;
}

/** How failed calls are retried. */
export interface RetryPolicy {
  /** Counted calls of an event, at least 1. */
  readonly maxAttempts: number;
  /** Replaces `DEFAULT_BACKOFF`. */
  readonly backoff?: Backoff;
}

/** What happens after failed calls. */
export interface FailurePolicy {
  /** For error responses that may differ next time; null: they are results at once. */
  readonly retry: RetryPolicy | null;
  /** For unanswered calls; null: two that count make the event fail for good. */
  readonly noResponse: RetryPolicy | null;
  readonly onFailure: OnFailure;
}

/** For unanswered calls without a `retry` section. */
export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 5 };

/** Completes a configuration with defaults. */
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
