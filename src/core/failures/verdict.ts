import type { Attempts, Pause, RestOfPause } from "./attempts.ts";
import type { Bytes, InboundEvent } from "../event.ts";
import { DEFAULT_RETRY, type FailurePolicy, type RetryPolicy } from "./failure_policy.ts";
import { type ErrorResponse, type ErrorResult, HandlerError, type Result } from "../handler.ts";
import type { FailureSigns, OutageGuard } from "./outage_guard.ts";
import type { Lull, Silences } from "./silences.ts";
import { TemplateError } from "../template.ts";

/** Why an event has failed for good. */
export interface EventFailure {
  /**
   * `status`: the response; `noResponse`: there was none; `tooLarge`: where it was to go, the result was too large;
   * `crash`: work on it was cut off, as when it ends the process; `template`: there is nothing for a template;
   * `eventTooLarge`: the event itself is larger than it may be.
   */
  readonly reason: "status" | "noResponse" | "tooLarge" | "crash" | "template" | "eventTooLarge";
  /** In the other side's words, when there was a response. */
  readonly status?: string;
  /** Without payload and secrets. */
  readonly message: string;
}

/** What calls are judged by. */
export interface JudgeParts {
  readonly guard: OutageGuard;
  readonly silences: Silences;
  readonly policy: FailurePolicy;
  /** Whether a result that is an error goes anywhere. */
  readonly takesErrors: boolean;
}

/** How a call came out: with a result to publish, with a failure for good, or to be made again. */
export type Verdict =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "failed"; readonly failure: EventFailure }
  | { readonly kind: "again"; readonly reason: string; readonly pause: Pause }
  /** The same, but sooner while all others wait for one that pauses. */
  | { readonly kind: "againEarly"; readonly reason: string; readonly pause: Pause }
  /** The call came early, and does not count: the pause goes on. */
  | { readonly kind: "tooEarly"; readonly reason: string; readonly pause: RestOfPause }
  /** When, the guard says. */
  | { readonly kind: "afterOutage"; readonly reason: string };

/** What an event's calls came to. */
export type CallsOutcome = Extract<Verdict, { kind: "result" | "failed" }>;

/** What has happened to an event so far. */
export interface History {
  /** There when any has failed. */
  attempts?: Attempts;
  /** Whether the last call brought no response. */
  isSilent?: boolean;
  /** That the last call for it, which was sent and did not come early, brought nothing. */
  silence?: Silence;
}

interface Silence {
  readonly lull: Lull;
  /** How many outages had begun by then. */
  readonly outages: number;
  readonly message: string;
}

/** A result, or why there is none. */
export type CallOutcome = Result | HandlerError | TemplateError;

/** Notes that a call has worked. */
export function noteSuccess({ guard, silences }: JudgeParts): void {
  silences.noteResponse();
  guard.noteAnswer({ isSuccess: true });
}

type Judging = JudgeParts & {
  readonly attempts: Attempts;
  readonly history: History;
  /** When the call came early: the end of the pause. */
  readonly dueMs: number | undefined;
};

/** Says what follows from a call that was no success, and notes what it tells of the other side. */
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
  const { guard, silences, policy: { retry }, attempts, takesErrors, dueMs } = parts;
  const { status, isTransient, retryAfterMs, suggestsOutage } = result.error;
  const isRepeated = isTransient && retry !== null;
  // One that ends the pause, as its response is not repeated for, is like any other.
  const isEarly = isRepeated && dueMs !== undefined;
  silences.noteResponse();
  noteBack(parts);
  if (suggestsOutage) noteFailure(key, parts, { isEarly, isResponse: true, retryAfterMs });
  else guard.noteAnswer({ isSuccess: false });
  if (suggestsOutage && guard.isOpen) return duringOutage(result.summary);
  const until = untilOutage(result.error, guard);
  if (isEarly) {
    const pause = { dueMs, until, atLeastMs: retryAfterMs, isFixed: asksForPause(result.error) };
    return { kind: "tooEarly", reason: result.summary, pause };
  }
  if (isRepeated && mayRepeat(attempts, retry)) return again(retry, { ...result, until });
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
  const { guard, silences, policy: { noResponse }, history, dueMs } = parts;
  const { message, isTold } = error;
  history.isSilent = true;
  if (!error.isForWant) noteFailure(key, parts, { isEarly: dueMs !== undefined });
  if (guard.isOpen) return duringOutage(message);
  const { opening: until, longestPauseMs: atMostMs } = guard;
  // An early call does not count, yet shows that others have no response either.
  const lull = error.wasSent ? silences.noteSilence(history) : null;
  if (dueMs !== undefined) {
    return { kind: "tooEarly", reason: message, pause: { dueMs, isTold, until } };
  }
  const pause = { ...backoffOf(noResponse), isTold, until, atMostMs };
  if (lull !== null) history.silence = { lull, outages: guard.outages, message };
  return hasUsedUp(parts) && parts.policy.onFailure === "block"
    ? { kind: "again", reason: whileBlocked({ message }), pause: { ...pause, isBlocking: true } }
    : { kind: "again", reason: message, pause };
}

/** After what may have been an outage, a response shows that the other side is there: it need not be waited for as long. */
function noteBack({ guard, history, attempts }: Judging): void {
  if (history.isSilent === true && guard.longestPauseMs < Infinity) attempts.restartPauses();
  history.isSilent = false;
}

/** Of a few events, early calls would make the failures of many; during an outage, each call is one that it has let through. */
function noteFailure(
  key: Bytes | null,
  { guard }: Judging,
  { isEarly, ...signs }: FailureSigns & { isEarly: boolean },
): void {
  if (!isEarly || guard.isOpen) guard.noteFailure(key, signs);
}

/**
 * Counts the last call for an event if it brought nothing and that was the event's own fault, which shows only now.
 * Tells why the event has failed for good when that has used up its attempts; one that blocks goes on.
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

/** Once may be bad luck, so two of the event's own faults are the least. */
function hasUsedUp({ policy: { noResponse }, attempts }: JudgeParts & { attempts: Attempts }) {
  return attempts.counted >= Math.max(noResponse?.maxAttempts ?? 1, 2);
}

function again(
  retry: RetryPolicy,
  { summary: reason, error, until }: ErrorResult & Pick<Pause, "until">,
): Verdict {
  const pause = { ...backoffOf(retry), atLeastMs: error.retryAfterMs, until };
  const isFixed = asksForPause(error) || retry.backoff?.jitter === "none";
  return { kind: isFixed ? "again" : "againEarly", reason, pause };
}

/** Who asks for a pause gets it whole, whoever waits. */
function asksForPause({ retryAfterMs, isOverload = false }: ErrorResponse): boolean {
  return retryAfterMs !== undefined || isOverload;
}

/** Who asks for a time is not called before, even when an outage is over sooner. */
function untilOutage(
  { suggestsOutage, retryAfterMs }: ErrorResponse,
  guard: OutageGuard,
): AbortSignal | undefined {
  return suggestsOutage && retryAfterMs === undefined ? guard.opening : undefined;
}

/** Counts the attempt that has failed; whether the event may have another one. */
function mayRepeat(attempts: Attempts, { maxAttempts }: RetryPolicy): boolean {
  attempts.count();
  return attempts.counted < maxAttempts;
}

function backoffOf(policy: RetryPolicy | null): Pause {
  return policy?.backoff === undefined ? {} : { backoff: policy.backoff };
}

/** Does not count: every event would have failed. */
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

/** So many times, work on an event may be cut off without its being to blame. */
const CRASHES_OF_CHANCE = 2;

/** Why an event has failed for good before it is called for, when work on it was cut off too often. */
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

/** Why an event of which the value was left out is not sent; null when it is whole. */
export function oversizeFailure({ oversize }: InboundEvent): EventFailure | null {
  if (oversize === undefined) return null;
  const { bytes, maxBytes } = oversize;
  return {
    reason: "eventTooLarge",
    message: `the event has ${bytes} bytes, more than maxEventBytes (${maxBytes})`,
  };
}

/** What is said of an event that has failed for good and blocks. */
export function whileBlocked({ message }: Pick<EventFailure, "message">): string {
  return `${message}; what comes behind it waits`;
}
