import { Attempts } from "./attempts.ts";
import type { CallSlots } from "../call_slots.ts";
import type { Permit } from "./circuit_breaker.ts";
import {
  type CallHistory,
  type CallsOutcome,
  classify,
  type ClassifyOptions,
  countUnanswered,
  recordResponse,
  type RetryDecision,
} from "./classify.ts";
import type { Delivery } from "../delivery.ts";
import type { InboundEvent } from "../event.ts";
import { type CallOutcome, type ErrorResult, type Handler, HandlerError } from "../handler.ts";
import { EventNotSettledError } from "../listener.ts";
import type { RetryOptions } from "../retry_pauses.ts";
import { TemplateError } from "../template.ts";

/** Dependencies and options of calls. */
export interface CallOptions extends RetryOptions, ClassifyOptions {
  readonly handler: Handler;
  readonly slots: CallSlots;
}

/** An event's delivery, and its calls so far. */
interface Work {
  readonly delivery: Delivery;
  readonly history: CallHistory;
}

/**
 * Calls the handler for an event until there is a result to publish, or the event has failed for good. By then, work on
 * the event has begun. Each round:
 *
 * 1. `takeTurn()`: waits for a permit of the breaker and for a call slot.
 * 2. `call()`: makes the call and gives the slot back.
 * 3. `decide()`: records the outcome and classifies it.
 * 4. `pauseAfter()`: waits, unless the breaker decides when the next call goes.
 * 5. `countUnanswered()`: only now it is known whether a call without a response counts.
 *
 * @throws {EventNotSettledError} when the lease ended first
 */
export async function callHandler(
  delivery: Delivery,
  options: CallOptions,
  history: CallHistory,
): Promise<CallsOutcome> {
  const { breaker, slots, log } = options;
  const work = { delivery, history };
  log.debug(() => `handling message: ${delivery.event.origin}`);
  for (;;) {
    const permit = await takeTurn(work, options);
    let decision: RetryDecision;
    try {
      const outcome = await call(work, options);
      decision = decide(outcome, permit, work, options);
    } finally {
      breaker.leave(permit);
    }
    if (decision.kind === "result" || decision.kind === "failed") return decision;
    delivery.enter("backingOff");
    await pauseAfter(decision, work);
    const failure = countUnanswered(history, options);
    if (failure !== null) {
      await slots.beginWithoutCall(delivery);
      return { kind: "failed", failure };
    }
  }
}

/** Work on the event has begun when this resolves. */
async function takeTurn(
  { delivery }: Work,
  { breaker, slots }: CallOptions,
): Promise<Permit> {
  for (;;) {
    const permit = breaker.permit ?? await breaker.enter(delivery);
    try {
      await slots.take(delivery);
    } catch (error) {
      breaker.leave(permit);
      throw error;
    }
    if (breaker.admits(permit)) return permit;
    // The breaker opened while the call waited for its slot.
    slots.giveBack(delivery);
    delivery.enter("backingOff");
  }
}

/** Rejects with errors that are no outcome, and whenever the lease has ended. */
async function call(
  { delivery, history: { attempts } }: Work,
  { handler, slots }: CallOptions,
): Promise<CallOutcome> {
  const { event, lease: { ended }, telemetry } = delivery;
  const startMs = telemetry === undefined ? 0 : performance.now();
  let outcome: CallOutcome | undefined;
  try {
    ended.throwIfAborted();
    outcome = await handler.handle(event, ended, (attempts?.soFar.made ?? 0) + 1);
  } catch (error) {
    if (ended.aborted) {
      throw new EventNotSettledError("The lease ended during the attempt", { cause: error });
    }
    if (!(error instanceof HandlerError || error instanceof TemplateError)) throw error;
    outcome = error;
  } finally {
    const isCall = !(outcome instanceof TemplateError);
    // Without a call, nothing is known about the endpoint.
    slots.giveBack(
      delivery,
      isCall ? { wasAnswered: outcome !== undefined && "when" in outcome } : {},
    );
  }
  telemetry?.called(delivery, outcome, performance.now() - startMs);
  return outcome;
}

function decide(
  outcome: CallOutcome,
  permit: Permit,
  { delivery, history }: Work,
  options: CallOptions,
): RetryDecision {
  const { event, lease } = delivery;
  if (!(outcome instanceof Error)) recordResponse(history, options);
  if (!(outcome instanceof TemplateError)) options.breaker.record(outcome, event.key, permit);
  if ("when" in outcome && outcome.when === "onSuccess") return { kind: "result", result: outcome };
  const attempts = history.attempts ??= attemptsFor(event, options);
  attempts.fail();
  if (lease.ending.aborted && mayBeOfStoppingEndpoint(outcome)) {
    delivery.noteAttempts(attempts.soFar);
    logUnfinished(event, outcome, options);
    throw new EventNotSettledError("The pipeline stops, and the outcome is not about the event");
  }
  const decision = classify(outcome, { ...options, attempts, history });
  delivery.noteAttempts(attempts.soFar);
  return decision;
}

async function pauseAfter(
  decision: Exclude<RetryDecision, CallsOutcome>,
  { delivery: { lease }, history: { attempts } }: Work,
): Promise<void> {
  if (decision.kind === "afterOutage") attempts?.pauses.logOutage(decision.reason);
  else await attempts?.pauses.pause(decision.reason, { lease, ...decision.pause });
}

/** While the pipeline stops, the endpoint often does, too; the event is called again after the next start. */
function mayBeOfStoppingEndpoint(outcome: ErrorResult | HandlerError | TemplateError): boolean {
  return outcome instanceof HandlerError ||
    "error" in outcome && outcome.error.isAboutServer === true;
}

function logUnfinished(
  { origin }: InboundEvent,
  outcome: ErrorResult | HandlerError | TemplateError,
  { log, throttle }: CallOptions,
): void {
  const reason = outcome instanceof Error ? outcome.message : outcome.summary;
  const message = () => `${origin} stays unfinished, as the pipeline stops: ${reason}`;
  if (throttle?.allows(reason) === "no") log.debug(message);
  else log.info(message());
}

export function attemptsFor(event: InboundEvent, options: RetryOptions): Attempts {
  return new Attempts(() => `handle ${event.origin}`, options, event.past);
}
