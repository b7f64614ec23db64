import { Attempts } from "./failures/attempts.ts";
import { deadLetter } from "./failures/dead_letter.ts";
import type { FailurePolicy, RetryPolicy } from "./failures/failure_policy.ts";
import type { EventFailure } from "./failures/verdict.ts";
import { formatDelay } from "./backoff.ts";
import type { InboundEvent } from "./event.ts";
import { type ErrorResult, type Handler, HandlerError, type Result, type When } from "./handler.ts";
import type { Logger } from "./log.ts";
import { type RecordTaker, shapedRecords } from "./record_templates.ts";
import type { OutboundRecord } from "./result_processor.ts";
import { resultRecord } from "./result_record.ts";
import { TemplateError } from "./template.ts";

/** The part of a result processor that a trial needs. */
export interface TrialTaker extends RecordTaker {
  readonly when: readonly When[];
  /** Destination of its records, in readable form. */
  readonly place: string;
}

/** Dependencies of a trial. */
export interface TrialParts {
  readonly name: string;
  readonly handler: Handler;
  readonly takers: readonly TrialTaker[];
  /** Destination of dead letters, in readable form, if there is one. */
  readonly deadLetterPlace?: string;
  readonly policy: FailurePolicy;
  readonly log: Logger;
}

/** A record that is not published. */
export interface TrialRecord {
  readonly taker: Pick<TrialTaker, "place" | "templates">;
  readonly record: OutboundRecord;
}

/** Outcome of a call for one event, and what a running pipeline would do with it. */
export interface Trial {
  /** Outcome of the call, without payload: `success: status 200`. */
  readonly outcome: string;
  /** The next steps of a running pipeline, one sentence each. */
  readonly next: readonly string[];
  /** Records that it would publish, in this order. */
  readonly records: readonly TrialRecord[];
  /** Whether this one call would settle the event with a result. */
  readonly isDone: boolean;
}

/**
 * Makes one call for an event, without a retry, and publishes nothing. Without other events, nothing distinguishes an
 * outage from a failure of this one.
 *
 * @param signal aborts the call
 */
export async function tryOut(
  event: InboundEvent,
  parts: TrialParts,
  signal: AbortSignal,
): Promise<Trial> {
  try {
    const result = await parts.handler.handle(event, signal, 1);
    return result.when === "onSuccess"
      ? ofSuccess(result, event, parts)
      : ofErrorResponse(result, event, parts);
  } catch (error) {
    if (error instanceof HandlerError) return ofSilence(error, event, parts);
    if (error instanceof TemplateError) return ofTemplate(error, event, parts);
    throw error;
  }
}

function ofSuccess(result: Result, event: InboundEvent, parts: TrialParts): Trial {
  const published = recordsOf(result, event, parts);
  if (published instanceof TemplateError) return ofTemplate(published, event, parts);
  const outcome = `success: ${result.summary}`;
  const next = published.length === 0
    ? "nothing is published: no eventResultProcessor is configured for onSuccess, the call was the purpose"
    : `publish the result to each eventResultProcessor for onSuccess (${published.length})`;
  return { outcome, next: [next], records: published, isDone: true };
}

function ofErrorResponse(result: ErrorResult, event: InboundEvent, parts: TrialParts): Trial {
  const { summary, error: { status, isTransient, retryAfterMs } } = result;
  const { retry } = parts.policy;
  const outcome = `error response: ${summary}`;
  const isRepeated = isTransient && retry !== null && retry.maxAttempts > 1;
  const again = isRepeated ? [repetition(retry, retryAfterMs)] : [];
  const published = recordsOf(result, event, parts);
  if (published instanceof TemplateError) {
    const { next, records } = ofTemplate(published, event, parts);
    return { outcome, next: [...again, ...next], records, isDone: false };
  }
  if (published.length > 0) {
    const last = isRepeated ? "if the last call brings the same, " : "";
    const next = `${last}publish the error to each eventResultProcessor for onError ` +
      `(${published.length})`;
    return { outcome, next: [...again, next], records: published, isDone: !isRepeated };
  }
  const failure: EventFailure = {
    reason: "status",
    ...(status === undefined ? {} : { status }),
    message: `${summary}, and no eventResultProcessor is configured for onError`,
  };
  const failed = failedForGood(failure, event, {
    ...parts,
    attempts: isRepeated ? retry.maxAttempts : 1,
  });
  return { outcome, ...failed, next: [...again, ...failed.next] };
}

function ofSilence(error: HandlerError, event: InboundEvent, parts: TrialParts): Trial {
  const outcome = error.message;
  const whileAway = "call again, with growing pauses, for as long as the endpoint answers nothing";
  // A call that was not sent never counts.
  if (!error.wasSent) return { outcome, next: [whileAway], records: [], isDone: false };
  const { maxAttempts } = parts.policy.noResponse ?? { maxAttempts: 1 };
  const failure: EventFailure = { reason: "noResponse", message: error.message };
  const attempts = Math.max(maxAttempts, 2);
  const { next, ...failed } = failedForGood(failure, event, { ...parts, attempts });
  const atLast = `when ${attempts} calls for this event bring nothing and others are answered ` +
    `meanwhile, ${next.join("; ")}`;
  return { outcome, ...failed, next: [whileAway, atLast] };
}

function ofTemplate({ message }: TemplateError, event: InboundEvent, parts: TrialParts): Trial {
  const failed = failedForGood({ reason: "template", message }, event, { ...parts, attempts: 1 });
  return { outcome: `no call or no result comes of this event: ${message}`, ...failed };
}

/** All records, or why there are none: an event is published as a whole. */
function recordsOf(
  result: Result,
  event: InboundEvent,
  { takers }: TrialParts,
): readonly TrialRecord[] | TemplateError {
  const taking = takers.filter(({ when }) => when.includes(result.when));
  try {
    return shapedRecords(resultRecord(event, result), taking, { event, result });
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}

function failedForGood(
  failure: EventFailure,
  event: InboundEvent,
  { name, policy: { onFailure }, deadLetterPlace, attempts: made, log }: TrialParts & {
    attempts: number;
  },
): Pick<Trial, "next" | "records" | "isDone"> {
  if (onFailure === "deadLetter" && deadLetterPlace !== undefined) {
    const past = { made, counted: made, crashes: 0, firstFailedAtMs: new Date().getTime() };
    const attempts = new Attempts(() => "", { log }, past);
    const record = deadLetter(event, { pipeline: name, failure, attempts });
    const taker = { place: deadLetterPlace };
    return { next: ["publish a dead letter"], records: [{ taker, record }], isDone: false };
  }
  const next = onFailure === "discard"
    ? "discard the event, with a warning in the log"
    : "block: repeat the call for ever, with growing pauses, while what comes behind it waits";
  return { next: [next], records: [], isDone: false };
}

function repetition(
  { maxAttempts, backoff }: RetryPolicy,
  retryAfterMs: number | undefined,
): string {
  const { initialDelayMs } = backoff ?? { initialDelayMs: undefined };
  const pause = retryAfterMs !== undefined
    ? ` after ${formatDelay(retryAfterMs)}, as the response asks by Retry-After`
    : initialDelayMs === undefined
    ? ""
    : ` after up to ${formatDelay(initialDelayMs)}`;
  return `call again${pause}, up to ${maxAttempts} calls in all`;
}
