import { Attempts, type AttemptsParts, type Pause } from "./attempts.ts";
import type { CallSlots } from "../call_slots.ts";
import { formatOrigin, type InboundEvent } from "../event.ts";
import { DEFAULT_RETRY, type FailurePolicy, type RetryPolicy } from "./failure_policy.ts";
import { type ErrorResult, type Handler, HandlerError, type Result } from "../handler.ts";
import type { Lease } from "../lease.ts";
import { EventNotSettledError } from "../listener.ts";
import type { OutageGuard } from "./outage_guard.ts";
import { TemplateError } from "../template.ts";

/** Why an event has failed for good. */
export interface EventFailure {
  /**
   * `status`: the response; `noResponse`: there was none; `tooLarge`: where it was to go, the result was too large;
   * `crash`: work on it was cut off, as when it ends the process; `template`: there is nothing for a template.
   */
  readonly reason: "status" | "noResponse" | "tooLarge" | "crash" | "template";
  /** In the other side's words, when there was a response. */
  readonly status?: string;
  /** Without payload and secrets. */
  readonly message: string;
}

/** What calls need. */
export interface CallParts extends AttemptsParts {
  readonly handler: Handler;
  readonly slots: CallSlots;
  readonly guard: OutageGuard;
  readonly policy: FailurePolicy;
  /** Whether a result that is an error goes anywhere. */
  readonly takesErrors: boolean;
}

/** How a call came out: with a result to publish, with a failure for good, or to be made again. */
type Verdict =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "failed"; readonly failure: EventFailure }
  | { readonly kind: "again"; readonly reason: string; readonly pause: Pause }
  /** The same, but sooner when all others wait for this one. */
  | { readonly kind: "againEarly"; readonly reason: string; readonly pause: Pause }
  /** The call came early, and does not count: the pause goes on. */
  | {
    readonly kind: "tooEarly";
    readonly reason: string;
    readonly dueMs: number;
    readonly atLeastMs?: number | undefined;
  }
  /** When, the guard says. */
  | { readonly kind: "afterOutage"; readonly reason: string };

/** What an event's calls came to. */
export type CallsOutcome = Extract<Verdict, { kind: "result" | "failed" }>;

/** What has happened to an event so far. */
export interface History {
  /** There when any has failed. */
  attempts?: Attempts;
  /** How many responses and outages there had been in all, when the last call for it, which was sent, brought nothing. */
  silence?: { readonly responses: number; readonly outages: number };
}

/**
 * Calls the handler for an event until there is a result that goes somewhere, or the event has failed for good. Work on
 * the event has begun in its lease then.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export async function callHandler(
  event: InboundEvent,
  parts: CallParts,
  lease: Lease,
  history: History,
): Promise<CallsOutcome> {
  const { handler, slots, guard, log } = parts;
  const { offset } = event.origin;
  /** When the call comes in the midst of a pause: the end of that. */
  let dueMs: number | undefined;
  for (let isFirst = true;; isFirst = false) {
    const probe = guard.isOpen ? await guard.turn(lease, offset) : null;
    let verdict: Verdict;
    let attempts: Attempts;
    try {
      await slots.take(lease, offset);
      if (!guard.admits(probe)) {
        slots.giveBack(lease);
        lease.rest(offset);
        continue;
      }
      countLastSilence(history, guard);
      let outcome: CallOutcome | undefined;
      try {
        lease.ended.throwIfAborted();
        if (isFirst) {
          log.debug(() => `handling message: ${formatOrigin(event.origin)}`);
        }
        outcome = await attempt(handler, event, lease, (history.attempts?.made ?? 0) + 1);
      } catch (error) {
        lease.rest(offset);
        throw lease.ended.aborted ? ended(error) : error;
      } finally {
        // An event that cannot become a call says nothing of the other side.
        slots.giveBack(
          lease,
          outcome instanceof TemplateError
            ? {}
            : { wasAnswered: outcome !== undefined && "when" in outcome },
        );
      }
      if ("when" in outcome && outcome.when === "onSuccess") {
        noteSuccess(guard);
        return { kind: "result", result: outcome };
      }
      attempts = history.attempts ??= attemptsFor(event, parts);
      attempts.fail();
      verdict = judge(outcome, event, { ...parts, attempts, history, dueMs });
      lease.noteAttempts(offset, attempts.soFar);
    } finally {
      if (probe !== null) guard.endProbe(probe);
    }
    if (verdict.kind === "result" || verdict.kind === "failed") return verdict;
    lease.rest(offset);
    dueMs = await pauseAfter(verdict, attempts, { lease, offset });
  }
}

/** Resolves when the next call is to be made; with the end of the pause, when that is early. */
async function pauseAfter(
  verdict: Exclude<Verdict, CallsOutcome>,
  attempts: Attempts,
  { lease, offset }: { lease: Lease; offset: number },
): Promise<number | undefined> {
  const { reason } = verdict;
  switch (verdict.kind) {
    case "againEarly":
      return await attempts.pauseWhileOthersGoOn(reason, { lease, offset, ...verdict.pause });
    case "again":
      await attempts.pause(reason, { lease, ...verdict.pause });
      break;
    case "tooEarly":
      await attempts.goOnPausing(reason, verdict, lease);
      break;
    case "afterOutage":
      attempts.logOutage(reason);
  }
  return undefined;
}

type CallOutcome = Result | HandlerError | TemplateError;

/** A result, or why there is none. */
async function attempt(
  handler: Handler,
  event: InboundEvent,
  { ended: signal, ending }: Lease,
  number: number,
): Promise<CallOutcome> {
  try {
    return await handler.handle(event, signal, number, ending);
  } catch (error) {
    const isOutcome = error instanceof HandlerError || error instanceof TemplateError;
    if (signal.aborted || !isOutcome) throw error;
    return error;
  }
}

function ended(cause: unknown): EventNotSettledError {
  return new EventNotSettledError("The lease ended during the attempt", { cause });
}

function noteSuccess(guard: OutageGuard): void {
  guard.noteResponse();
  guard.noteAnswer({ isSuccess: true });
}

type Judging = CallParts & {
  readonly attempts: Attempts;
  readonly history: History;
  /** When the call came early: the end of the pause. */
  readonly dueMs: number | undefined;
};

function judge(
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
  const { guard, policy: { retry }, attempts, takesErrors, dueMs } = parts;
  const { status, isTransient, retryAfterMs, suggestsOutage } = result.error;
  guard.noteResponse();
  if (suggestsOutage) guard.noteFailure(key);
  else guard.noteAnswer({ isSuccess: false });
  if (suggestsOutage && guard.isOpen) return duringOutage(result.summary);
  if (isTransient && retry !== null) {
    const reason = result.summary;
    if (dueMs !== undefined) return { kind: "tooEarly", reason, dueMs, atLeastMs: retryAfterMs };
    if (mayRepeat(attempts, retry)) return again(reason, retry, retryAfterMs);
  }
  if (takesErrors) return { kind: "result", result };
  return failedForGood({
    reason: "status",
    status,
    message: `${result.summary}, and no eventResultProcessor is configured for onError`,
  }, parts);
}

function judgeSilence(error: HandlerError, { key }: InboundEvent, parts: Judging): Verdict {
  const { guard, policy: { noResponse }, attempts, history, dueMs } = parts;
  const { message, isTold } = error;
  const pause = { ...backoffOf(noResponse), isTold };
  guard.noteFailure(key);
  if (guard.isOpen) return duringOutage(message);
  if (dueMs !== undefined) return { kind: "tooEarly", reason: message, dueMs };
  if (!error.wasSent) return { kind: "again", reason: message, pause };
  history.silence = { responses: guard.responses, outages: guard.outages };
  // This call may be the first one of an outage: those before it must be enough.
  const enough = Math.max((noResponse?.maxAttempts ?? 1) - 1, 1);
  return attempts.counted < enough
    ? { kind: "again", reason: message, pause }
    : failedForGood({ reason: "noResponse", message }, parts);
}

/**
 * A call that brought nothing counts once the endpoint has answered others afterwards: when it breaks down, all calls in
 * flight bring nothing, though others were answered just before.
 */
function countLastSilence(history: History, { responses, outages }: OutageGuard): void {
  const { attempts, silence } = history;
  if (silence === undefined) return;
  if (responses > silence.responses && outages === silence.outages) attempts?.count();
  delete history.silence;
}

/** Whoever asks for a pause, or for one of a certain length, gets it. */
function again(reason: string, retry: RetryPolicy, retryAfterMs: number | undefined): Verdict {
  const pause = { ...backoffOf(retry), atLeastMs: retryAfterMs };
  const isFixed = retryAfterMs !== undefined || retry.backoff?.jitter === "none";
  return { kind: isFixed ? "again" : "againEarly", reason, pause };
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

function failedForGood(failure: EventFailure, { policy }: Judging): Verdict {
  return policy.onFailure === "block"
    ? { kind: "again", reason: whileBlocked(failure), pause: {} }
    : { kind: "failed", failure };
}

/** The attempts to handle an event. */
export function attemptsFor(event: InboundEvent, parts: AttemptsParts): Attempts {
  return new Attempts(() => `handle ${formatOrigin(event.origin)}`, parts, event.past);
}

/** So many times, work on an event may be cut off without its being to blame. */
const CRASHES_OF_CHANCE = 2;

/** Why an event has failed for good before it is called for, when work on it was cut off too often. */
export function crashFailure(
  { past }: InboundEvent,
  { policy: { retry, noResponse }, guard }: Pick<CallParts, "policy" | "guard">,
): EventFailure | null {
  if (past === undefined || past.crashes <= CRASHES_OF_CHANCE || guard.isOpen) return null;
  const { maxAttempts } = noResponse ?? retry ?? DEFAULT_RETRY;
  if (past.counted < maxAttempts) return null;
  return {
    reason: "crash",
    message: `work on it was cut off in ${past.crashes} of ${past.counted} attempts`,
  };
}

/** What is said of an event that has failed for good and blocks. */
export function whileBlocked({ message }: EventFailure): string {
  return `${message}; what comes behind it waits`;
}
