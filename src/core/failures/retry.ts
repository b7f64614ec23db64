import { Attempts, type AttemptsParts } from "./attempts.ts";
import type { CallSlots } from "../call_slots.ts";
import type { InboundEvent } from "../event.ts";
import { type ErrorResult, type Handler, HandlerError } from "../handler.ts";
import type { Lease } from "../lease.ts";
import { EventNotSettledError } from "../listener.ts";
import { TemplateError } from "../template.ts";
import {
  type CallOutcome,
  type CallsOutcome,
  failureBySilence,
  type History,
  judge,
  type JudgeParts,
  noteSuccess,
  type Verdict,
} from "./verdict.ts";

/** Dependencies of calls. */
export interface CallParts extends AttemptsParts, JudgeParts {
  readonly handler: Handler;
  readonly slots: CallSlots;
}

/**
 * Calls the handler for an event until there is a result to publish, or the event has failed for good. By then, work on
 * the event has begun in its lease.
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
  const { position: offset } = event;
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
      const failure = failureBySilence(history, parts);
      if (failure !== null) {
        slots.giveBack(lease);
        return { kind: "failed", failure };
      }
      let outcome: CallOutcome | undefined;
      try {
        lease.ended.throwIfAborted();
        if (isFirst) {
          log.debug(() => `handling message: ${event.origin}`);
        }
        outcome = await attempt(handler, event, lease, (history.attempts?.made ?? 0) + 1);
      } catch (error) {
        lease.rest(offset);
        throw lease.ended.aborted ? ended(error) : error;
      } finally {
        // Without a call, nothing is known about the endpoint.
        slots.giveBack(
          lease,
          outcome instanceof TemplateError
            ? {}
            : { wasAnswered: outcome !== undefined && "when" in outcome },
        );
      }
      if ("when" in outcome && outcome.when === "onSuccess") {
        noteSuccess(parts);
        return { kind: "result", result: outcome };
      }
      attempts = history.attempts ??= attemptsFor(event, parts);
      attempts.fail();
      if (lease.ending.aborted && tellsNothingOfEvent(outcome)) {
        lease.noteAttempts(offset, attempts.soFar);
        lease.rest(offset);
        logUndone(event, outcome, parts);
        throw new EventNotSettledError(
          "The pipeline stops, and the response is not about the event",
        );
      }
      verdict = judge(outcome, event, { ...parts, attempts, history });
      lease.noteAttempts(offset, attempts.soFar);
    } finally {
      if (probe !== null) guard.endProbe(probe);
    }
    if (verdict.kind === "result" || verdict.kind === "failed") return verdict;
    lease.rest(offset);
    if (verdict.kind === "again") await attempts.pause(verdict.reason, { lease, ...verdict.pause });
    else attempts.logOutage(verdict.reason);
  }
}

/** Returns the failure of a call; rethrows any other error, and every error after `ended`. */
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

/** While the pipeline stops, the endpoint often does, too; the event is called again after the next start. */
function tellsNothingOfEvent(outcome: ErrorResult | HandlerError | TemplateError): boolean {
  return outcome instanceof HandlerError ||
    "error" in outcome && outcome.error.isAboutServer === true;
}

function logUndone(
  { origin }: InboundEvent,
  outcome: ErrorResult | HandlerError | TemplateError,
  { log, told }: CallParts,
): void {
  const reason = outcome instanceof Error ? outcome.message : outcome.summary;
  const message = () => `${origin} stays undone, as the pipeline stops: ${reason}`;
  if (told?.tell(reason) === "no") log.debug(message);
  else log.info(message());
}

function ended(cause: unknown): EventNotSettledError {
  return new EventNotSettledError("The lease ended during the attempt", { cause });
}

export function attemptsFor(event: InboundEvent, parts: AttemptsParts): Attempts {
  return new Attempts(() => `handle ${event.origin}`, parts, event.past);
}
