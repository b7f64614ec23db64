import type { Attempts, Pause } from "./attempts.ts";
import type { InboundEvent } from "../event.ts";
import { DEFAULT_RETRY, type FailurePolicy, type RetryPolicy } from "./failure_policy.ts";
import { type ErrorResponse, type ErrorResult, HandlerError, type Result } from "../handler.ts";
import type { OutageGuard } from "./outage_guard.ts";
import type { Lull, Silences } from "./silences.ts";
import { TemplateError } from "../template.ts";

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

/** Dependencies of the decision. */
export interface JudgeParts {
  readonly guard: OutageGuard;
  readonly silences: Silences;
  readonly policy: FailurePolicy;
  /** Whether an error response goes to any result processor. */
  readonly takesErrors: boolean;
}

/** What follows from a call: a result to publish, a failure for good, or another call. */
export type Verdict =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "failed"; readonly failure: EventFailure }
  | { readonly kind: "again"; readonly reason: string; readonly pause: Pause }
  /** The next call waits for the end of an outage. */
  | { readonly kind: "afterOutage"; readonly reason: string };

/** The final outcome of an event's calls. */
export type CallsOutcome = Extract<Verdict, { kind: "result" | "failed" }>;

/** History of an event's calls. */
export interface History {
  /** Set after the first failed attempt. */
  attempts?: Attempts;
  /** Whether the last call got no response. */
  isSilent?: boolean;
  /** The last unanswered call, if it was sent; not judged yet. */
  silence?: Silence;
}

interface Silence {
  readonly lull: Lull;
  /** Outages begun until then. */
  readonly outages: number;
  readonly message: string;
}

/** A result, or why there is none. */
export type CallOutcome = Result | HandlerError | TemplateError;

/** Records a success. */
export function noteSuccess({ guard, silences }: JudgeParts): void {
  silences.noteResponse();
  guard.noteAnswer({ isSuccess: true });
}

type Judging = JudgeParts & {
  readonly attempts: Attempts;
  readonly history: History;
};

/** Decides what follows from a call without success, and records what it shows about the endpoint. */
export function judge(
  outcome: ErrorResult | HandlerError | TemplateError,
  event: InboundEvent,
  parts: Judging,
): Verdict {
  if (outcome instanceof TemplateError) {
    return failedForGood({ reason: "template", message: outcome.message }, parts);
  }
  return outcome instanceof HandlerError
    ? judgeSilence(outcome, event, parts)
    : judgeResponse(outcome, event, parts);
}

function judgeResponse(result: ErrorResult, { key }: InboundEvent, parts: Judging): Verdict {
  const { guard, silences, policy: { retry }, attempts, takesErrors } = parts;
  const { status, isTransient, retryAfterMs, suggestsOutage } = result.error;
  silences.noteResponse();
  noteBack(parts);
  if (suggestsOutage) guard.noteFailure(key, { isResponse: true, retryAfterMs });
  else guard.noteAnswer({ isSuccess: false });
  if (suggestsOutage && guard.isOpen) return duringOutage(result.summary);
  const until = untilOutage(result.error, guard);
  if (isTransient && retry !== null && mayRepeat(attempts, retry)) {
    const pause = { ...backoffOf(retry), atLeastMs: retryAfterMs, until };
    return { kind: "again", reason: result.summary, pause };
  }
  if (takesErrors) return { kind: "result", result };
  const message = `${result.summary}, and no eventResultProcessor is configured for onError`;
  const failure = {
    reason: "status",
    message,
    ...(status === undefined ? {} : { status }),
  } as const;
  const atMostMs = suggestsOutage ? guard.longestPauseMs : undefined;
  return failedForGood(failure, parts, { atLeastMs: retryAfterMs, atMostMs, until });
}

function judgeSilence(error: HandlerError, { key }: InboundEvent, parts: Judging): Verdict {
  const { guard, silences, policy: { noResponse }, history } = parts;
  const { message, isTold } = error;
  history.isSilent = true;
  if (!error.isForWant) guard.noteFailure(key);
  if (guard.isOpen) return duringOutage(message);
  const { opening: until, longestPauseMs: atMostMs } = guard;
  const lull = error.wasSent ? silences.noteSilence(history) : null;
  const pause = { ...backoffOf(noResponse), isTold, until, atMostMs };
  if (lull !== null) history.silence = { lull, outages: guard.outages, message };
  return hasUsedUp(parts) && parts.policy.onFailure === "block"
    ? { kind: "again", reason: whileBlocked({ message }), pause: { ...pause, isBlocking: true } }
    : { kind: "again", reason: message, pause };
}

/** After a possible outage, a response shows that the endpoint is back: pauses start again from the shortest. */
function noteBack({ guard, history, attempts }: Judging): void {
  if (history.isSilent === true && guard.longestPauseMs < Infinity) attempts.restartPauses();
  history.isSilent = false;
}

/**
 * Judges the previous unanswered call, now that later responses are known: it counts if the event was the cause.
 * Returns a failure when attempts are used up, unless the event blocks.
 */
export function failureBySilence(history: History, parts: JudgeParts): EventFailure | null {
  const { attempts, silence } = history;
  if (silence === undefined || attempts === undefined) return null;
  delete history.silence;
  if (!silence.lull.isOwnFault || parts.guard.outages !== silence.outages) return null;
  attempts.count();
  return hasUsedUp({ ...parts, attempts }) && parts.policy.onFailure !== "block"
    ? { reason: "noResponse", message: silence.message }
    : null;
}

/** One may be chance, so it takes at least two. */
function hasUsedUp({ policy: { noResponse }, attempts }: JudgeParts & { attempts: Attempts }) {
  return attempts.counted >= Math.max(noResponse?.maxAttempts ?? 1, 2);
}

/** A `Retry-After` is kept, even if the outage ends sooner. Other pauses end when an outage begins. */
function untilOutage(
  { suggestsOutage, retryAfterMs }: ErrorResponse,
  guard: OutageGuard,
): AbortSignal | undefined {
  return suggestsOutage && retryAfterMs === undefined ? guard.opening : undefined;
}

/** Counts the failed attempt; returns whether the event may have another. */
function mayRepeat(attempts: Attempts, { maxAttempts }: RetryPolicy): boolean {
  attempts.count();
  return attempts.counted < maxAttempts;
}

function backoffOf(policy: RetryPolicy | null): Pause {
  return policy?.backoff === undefined ? {} : { backoff: policy.backoff };
}

/** The call does not count: every event would have failed. */
function duringOutage(reason: string): Verdict {
  return { kind: "afterOutage", reason };
}

function failedForGood(
  failure: EventFailure,
  { policy }: Judging,
  pause: Pause = {},
): Verdict {
  return policy.onFailure === "block"
    ? { kind: "again", reason: whileBlocked(failure), pause: { ...pause, isBlocking: true } }
    : { kind: "failed", failure };
}

/** Up to this many crashes may be chance. */
const CRASHES_OF_CHANCE = 2;

/** Returns a failure, before any call, for an event that was cut off too often; else null. */
export function crashFailure(
  { past }: InboundEvent,
  { policy: { retry, noResponse }, guard }: Pick<JudgeParts, "policy" | "guard">,
): EventFailure | null {
  if (past === undefined || past.crashes <= CRASHES_OF_CHANCE || guard.isOpen) return null;
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
  return `${message}; what comes behind it waits`;
}
