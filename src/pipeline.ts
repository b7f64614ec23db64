import type { AttemptsParts } from "./attempts.ts";
import { CallSlots } from "./call_slots.ts";
import { formatOrigin, type InboundEvent } from "./event.ts";
import { disposeOf, type FailedEventParts } from "./failed_event.ts";
import { DEFAULT_FAILURE_POLICY, type FailurePolicy, type OnTombstone } from "./failure_policy.ts";
import type { Handler, Result, When } from "./handler.ts";
import type { Lease } from "./lease.ts";
import type { Listener } from "./listener.ts";
import { inOrder, type Ordering } from "./ordering.ts";
import { OutageGuard } from "./outage_guard.ts";
import { publish } from "./publishing.ts";
import type { OutboundRecord, ResultProcessor } from "./result_processor.ts";
import { resultRecord, tombstoneRecord, tooLargeResult } from "./result_record.ts";
import {
  attemptsFor,
  callHandler,
  type CallParts,
  type CallsOutcome,
  type EventFailure,
  type History,
  whileBlocked,
} from "./retry.ts";

/** A result processor and the outcomes it stands for. */
export interface ConfiguredResultProcessor {
  readonly when: readonly When[];
  readonly processor: ResultProcessor;
}

/** What a pipeline is made of. */
export interface PipelineParts extends AttemptsParts {
  readonly name: string;
  readonly listener: Listener;
  readonly handler: Handler;
  readonly resultProcessors: readonly ConfiguredResultProcessor[];
  /** Where events go that have failed for good, when `policy.onFailure` says so. */
  readonly deadLetters?: ResultProcessor;
  readonly policy?: FailurePolicy;
  readonly onTombstone?: OnTombstone;
  readonly ordering: Ordering;
  /** How many calls of the handler may be in flight, 1 at least. */
  readonly concurrency: number;
}

/**
 * Runs a pipeline until its lease ends or its input does:
 *
 *     listener ── event ──> its turn ──> handler ── result ──> result processors ── stored ──> settled
 *                                          │  ▲  └─ failed for good ──> dead letters ── stored ──┤
 *                                          └──┘                     └─> discarded ──────────────┘
 *                             again, after a pause
 *
 * An event's turn comes when those before it in its order have settled and a call may be made. The only ways out for an
 * event are "settled" and "the lease ended first".
 */
export function runPipeline(parts: PipelineParts, lease: Lease): Promise<void> {
  const pipeline = new Pipeline(parts);
  return parts.listener.listen(
    inOrder((event, lease) => pipeline.settle(event, lease), parts.ordering),
    lease,
  );
}

class Pipeline {
  readonly #parts: PipelineParts;
  readonly #calls: CallParts;
  readonly #failed: FailedEventParts;

  constructor(parts: PipelineParts) {
    const { policy = DEFAULT_FAILURE_POLICY, concurrency, resultProcessors, deadLetters } = parts;
    this.#parts = parts;
    this.#failed = { ...parts, onFailure: policy.onFailure, deadLetters };
    this.#calls = {
      ...parts,
      policy,
      slots: new CallSlots(concurrency),
      guard: new OutageGuard(parts),
      takesErrors: resultProcessors.some(({ when }) => when.includes("onError")),
    };
  }

  async settle(event: InboundEvent, lease: Lease): Promise<void> {
    const { onTombstone = "send" } = this.#parts;
    if (event.value === null && onTombstone === "skip") return;
    if (event.value === null && onTombstone === "forward") return await this.#forward(event, lease);
    const history: History = {};
    try {
      for (;;) {
        const outcome = await callHandler(event, this.#calls, lease, history);
        const failure = await this.#complete(outcome, { event, lease, history });
        if (failure === null) return lease.finish();
        lease.rest(event.origin.offset);
        const attempts = history.attempts ??= attemptsFor(event, this.#parts);
        attempts.fail();
        await attempts.pause(whileBlocked(failure), { lease });
      }
    } finally {
      history.attempts?.end();
    }
  }

  /** Resolves with null when the event has settled, and with why it has failed for good when it blocks. */
  async #complete(
    outcome: CallsOutcome,
    { event, lease, history: { attempts } }: {
      event: InboundEvent;
      lease: Lease;
      history: History;
    },
  ): Promise<EventFailure | null> {
    try {
      const failure = outcome.kind === "failed"
        ? outcome.failure
        : await this.#publishResult(outcome.result, event, lease);
      if (failure === null) return null;
      return await disposeOf({ event, failure, attempts, lease }, this.#failed) ? null : failure;
    } catch (error) {
      lease.rest(event.origin.offset);
      throw error;
    }
  }

  /** Resolves with null, or with why the event has failed for good though it has a result. */
  async #publishResult(
    result: Result,
    event: InboundEvent,
    lease: Lease,
  ): Promise<EventFailure | null> {
    if (await this.#publish(resultRecord(event, result), result.when, { event, lease })) {
      return null;
    }
    if (result.when === "onError" || !this.#calls.takesErrors) return TOO_LARGE;
    const error = resultRecord(event, tooLargeResult(result));
    return await this.#publish(error, "onError", { event, lease }) ? null : TOO_LARGE;
  }

  /** Resolves with false when the record is too large for one of the processors that it is for. */
  async #publish(
    record: OutboundRecord,
    when: When,
    { event, lease }: { event: InboundEvent; lease: Lease },
  ): Promise<boolean> {
    const { resultProcessors, log } = this.#parts;
    for (const { processor, when: outcomes } of resultProcessors) {
      if (!outcomes.includes(when)) continue;
      const publication = { record, what: "the result", event, processor, lease };
      const place = await publish(publication, this.#parts);
      if (place === null) return false;
      log.debug(() => `successfully produced EventHandler result: ${formatOrigin(place)}`);
    }
    return true;
  }

  /** No call is made, but a call's turn is waited for: work begins by it. */
  async #forward(event: InboundEvent, lease: Lease): Promise<void> {
    const { slots } = this.#calls;
    await slots.take(lease, event.origin.offset);
    slots.giveBack(lease, { wasAnswered: true });
    try {
      if (await this.#publish(tombstoneRecord(event), "onSuccess", { event, lease })) {
        return lease.finish();
      }
      throw new Error(
        `the tombstone ${formatOrigin(event.origin)} is too large for the result topic: ` +
          "raise its max.message.bytes",
      );
    } catch (error) {
      lease.rest(event.origin.offset);
      throw error;
    }
  }
}

const TOO_LARGE: EventFailure = {
  reason: "tooLarge",
  message: "the result is too large for where it was to be stored",
};
