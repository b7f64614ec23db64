import type { Attempts } from "./attempts.ts";
import type { CircuitBreaker } from "./circuit_breaker.ts";
import type { InboundEvent } from "../event.ts";
import { DEFAULT_RETRY, type FailurePolicy, type RetryPolicy } from "../failure_policy.ts";
import { type ErrorResult, HandlerError, type Result } from "../handler.ts";
import type { Pause } from "../retry_pauses.ts";
import { TemplateError } from "../template.ts";
import type { ResponseGap, UnansweredCalls } from "./unanswered_calls.ts";

/** Why an event has failed for good. */
export interface EventFailure {
  /**
   * `status`: an error response; `noResponse`: unanswered calls; `tooLarge`: no processor can store the result;
   * `crash`: work on it was cut off, as by the end of the process; `template`: a template lacks a value;
   * `eventTooLarge`: the event exceeds `maxEventBytes`.
   */
  readonly reason: "status" | "noResponse" | "tooLarge" | "crash" | "template" | "eventTooLarge";
  /** As the endpoint sent it, when there was a response. */
  readonly status?: string;
  /** Without payload and secrets. */
  readonly message: string;
}

/** Dependencies and options of the decision. */
export interface ClassifyOptions {
  readonly breaker: CircuitBreaker;
  readonly unansweredCalls: UnansweredCalls;
  readonly policy: FailurePolicy;
  /** Whether an error response goes to any result processor. */
  readonly takesErrors: boolean;
}

/** The final outcome of an event's calls: a result to publish, or a failure for good. */
export type CallsOutcome =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "failed"; readonly failure: EventFailure };

/** What follows from a call. */
export type RetryDecision =
  | CallsOutcome
  | { readonly kind: "again"; readonly reason: string; readonly pause: Pause }
  /** The next call waits for the end of an outage. */
  | { readonly kind: "afterOutage"; readonly reason: string };

/** The calls for an event so far. */
export interface CallHistory {
  /** Set after the first failed attempt. */
  attempts?: Attempts;
  /** Whether the last call got no response. */
  wasUnanswered?: boolean;
  /** The last unanswered call, if it was sent; not judged yet. */
  unanswered?: UnansweredCall;
}

interface UnansweredCall {
  readonly message: string;
  readonly gap: ResponseGap;
  /** `CircuitBreaker.outageBegins` when it failed. */
  readonly outageBegins: AbortSignal;
}

type Failed = ClassifyOptions & { readonly attempts: Attempts; readonly history: CallHistory };

/** Records a response, before the breaker does. After a possible outage, pauses start again from the shortest. */
export function recordResponse(
  history: CallHistory,
  { breaker, unansweredCalls }: Pick<ClassifyOptions, "breaker" | "unansweredCalls">,
): void {
  unansweredCalls.recordResponse();
  const answersAgain = history.wasUnanswered === true && breaker.longestPauseMs < Infinity;
  if (answersAgain) history.attempts?.pauses.restart();
  history.wasUnanswered = false;
}

/** Decides what follows from a call without success, after the breaker has recorded it. */
export function classify(
  outcome: ErrorResult | HandlerError | TemplateError,
  failed: Failed,
): RetryDecision {
  if (outcome instanceof HandlerError) return classifyNoResponse(outcome, failed);
  if (!(outcome instanceof TemplateError)) return classifyErrorResponse(outcome, failed);
  return failOrBlock({ reason: "template", message: outcome.message }, failed);
}

function classifyErrorResponse(result: ErrorResult, failed: Failed): RetryDecision {
  const { breaker, policy: { retry }, attempts, takesErrors } = failed;
  const { summary, error: { status, isTransient, retryAfterMs, suggestsOutage } } = result;
  if (suggestsOutage && breaker.isOutage) return { kind: "afterOutage", reason: summary };
  // An outage that begins ends the pause, and the breaker then decides when to call. It does not end a `Retry-After`: the
  // outage could be over before the time that the endpoint asked for.
  const until = suggestsOutage && retryAfterMs === undefined ? breaker.outageBegins : undefined;
  if (isTransient && retry !== null) {
    attempts.count();
    if (attempts.soFar.counted < retry.maxAttempts) {
      const pause = { ...backoffOf(retry), atLeastMs: retryAfterMs, until };
      return { kind: "again", reason: summary, pause };
    }
  }
  if (takesErrors) return { kind: "result", result };
  const failure: EventFailure = {
    reason: "status",
    message: `${summary}, and no eventResultProcessor is configured for onError`,
    ...(status === undefined ? {} : { status }),
  };
  const atMostMs = suggestsOutage ? breaker.longestPauseMs : undefined;
  return failOrBlock(failure, failed, { atLeastMs: retryAfterMs, atMostMs, until });
}

function classifyNoResponse(error: HandlerError, failed: Failed): RetryDecision {
  const { breaker, unansweredCalls, policy: { noResponse, onFailure }, history } = failed;
  const { message, wasSent, isRefusal } = error;
  const { outageBegins, longestPauseMs } = breaker;
  history.wasUnanswered = true;
  if (breaker.isOutage) return { kind: "afterOutage", reason: message };
  if (wasSent) {
    history.unanswered = { message, gap: unansweredCalls.record(history), outageBegins };
  }
  const isBlocking = onFailure === "block" && hasUsedUp(failed);
  const pause = {
    ...backoffOf(noResponse),
    atMostMs: longestPauseMs,
    until: outageBegins,
    // The breaker logs refusals.
    isLogged: isRefusal,
    isBlocking,
  };
  return { kind: "again", reason: isBlocking ? whileBlocked({ message }) : message, pause };
}

/**
 * Judges the last unanswered call when the pause after it ends. It counts if it was due to the event, and no outage has
 * begun since. Returns a failure when attempts are used up, unless the event blocks.
 */
export function countUnanswered(
  history: CallHistory,
  { policy }: Pick<ClassifyOptions, "policy">,
): EventFailure | null {
  const { attempts, unanswered } = history;
  if (unanswered === undefined || attempts === undefined) return null;
  delete history.unanswered;
  const { message, gap, outageBegins } = unanswered;
  if (!gap.isDueToEvents || outageBegins.aborted) return null;
  attempts.count();
  const isFinal = policy.onFailure !== "block" && hasUsedUp({ policy, attempts });
  return isFinal ? { reason: "noResponse", message } : null;
}

/** One may be chance, so it takes at least two. */
function hasUsedUp(
  { policy: { noResponse }, attempts }: { policy: FailurePolicy; attempts: Attempts },
): boolean {
  return attempts.soFar.counted >= Math.max(noResponse?.maxAttempts ?? 1, 2);
}

function backoffOf(policy: RetryPolicy | null): Pause {
  return policy?.backoff === undefined ? {} : { backoff: policy.backoff };
}

function failOrBlock(
  failure: EventFailure,
  { policy }: ClassifyOptions,
  pause: Pause = {},
): RetryDecision {
  return policy.onFailure === "block"
    ? { kind: "again", reason: whileBlocked(failure), pause: { ...pause, isBlocking: true } }
    : { kind: "failed", failure };
}

/** Fewer crashes may be chance. */
const CRASHES_TO_FAIL = 3;

/** Returns a failure, before any call, for an event that was cut off too often; else null. */
export function crashFailure(
  { past }: InboundEvent,
  { policy: { retry, noResponse }, breaker }: Pick<ClassifyOptions, "policy" | "breaker">,
): EventFailure | null {
  if (past === undefined || past.crashes < CRASHES_TO_FAIL || breaker.isOutage) return null;
  const { maxAttempts } = noResponse ?? retry ?? DEFAULT_RETRY;
  if (past.counted < maxAttempts) return null;
  return {
    reason: "crash",
    message: `work on it was cut off in ${past.crashes} of ${past.counted} attempts`,
  };
}

/** Returns why an event without its value is not sent; null for a whole event. */
export function oversizeFailure({ oversize }: InboundEvent): EventFailure | null {
  if (oversize === undefined) return null;
  const { bytes, maxBytes } = oversize;
  return {
    reason: "eventTooLarge",
    message: `the event has ${bytes} bytes, more than maxEventBytes (${maxBytes})`,
  };
}

/** Log text for an event that has failed for good and blocks. */
export function whileBlocked({ message }: Pick<EventFailure, "message">): string {
  return `${message}; it blocks later events as 'ordering' says`;
}
