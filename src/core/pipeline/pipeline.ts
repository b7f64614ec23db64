import { CallSlots } from "../call_slots.ts";
import type { CircuitBreaker } from "../failures/circuit_breaker.ts";
import {
  type CallHistory,
  type CallsOutcome,
  crashFailure,
  type EventFailure,
  oversizeFailure,
  whileBlocked,
} from "../failures/classify.ts";
import type { Delivery } from "../delivery.ts";
import type { InboundEvent } from "../event.ts";
import { applyOnFailure, type FailedEventOptions } from "../failures/failed_event.ts";
import type { FailurePolicy, OnTombstone } from "../failure_policy.ts";
import type { Handler, Result, When } from "../handler.ts";
import type { Lease } from "../lease.ts";
import type { Listener } from "../listener.ts";
import { LogThrottle } from "../log_throttle.ts";
import { inOrder, type Ordering } from "../ordering.ts";
import { publish } from "../publishing.ts";
import { type RecordTemplates, shapedRecord } from "../record_templates.ts";
import type { OutboundRecord, ResultProcessor } from "../result_processor.ts";
import { resultRecord, tooLargeResult } from "./result_record.ts";
import { attemptsFor, callHandler, type CallOptions } from "../failures/retry.ts";
import type { RetryOptions } from "../retry_pauses.ts";
import type { Telemetry } from "../telemetry.ts";
import { TemplateError } from "../template.ts";
import { UnansweredCalls } from "../failures/unanswered_calls.ts";

/** A result processor and the outcomes it is configured for. */
export interface ConfiguredResultProcessor {
  readonly when: readonly When[];
  /** Applied to each record. */
  readonly templates?: RecordTemplates | undefined;
  readonly processor: ResultProcessor;
}

/** Dependencies and options of a pipeline. */
export interface PipelineOptions extends RetryOptions {
  readonly name: string;
  readonly listener: Listener;
  readonly handler: Handler;
  readonly resultProcessors: readonly ConfiguredResultProcessor[];
  /** Destination of events that have failed for good, if `policy.onFailure` is `deadLetter`. */
  readonly deadLetters?: ResultProcessor;
  readonly policy: FailurePolicy;
  readonly onTombstone: OnTombstone;
  readonly ordering: Ordering;
  /** Calls in flight, at least 1. */
  readonly concurrency: number;
  /** Bytes of results waiting to be stored from which no further call starts. */
  readonly maxBufferedBytes?: number;
  readonly breaker: CircuitBreaker;
  readonly telemetry?: Telemetry | undefined;
}

/**
 * Runs a pipeline until its lease or its input ends:
 *
 *     listener ── event ──> its turn ──> handler ── result ──> result processors ── stored ──> settled
 *                                          │  ▲  └─ failed for good ──> dead letters ── stored ──┤
 *                                          └──┘                     └─> discarded ──────────────┘
 *                             again, after a pause
 *
 * An event's turn comes when the earlier events of its ordering key have settled and a call slot is free. An event
 * either settles, or its lease ends first.
 */
export function runPipeline(options: PipelineOptions, lease: Lease): Promise<void> {
  const pipeline = new Pipeline(options);
  return options.listener.listen(
    inOrder((delivery) => pipeline.settle(delivery), options.ordering),
    lease,
  );
}

class Pipeline {
  readonly #options: PipelineOptions;
  readonly #publishing: RetryOptions;
  readonly #calls: CallOptions;
  readonly #failed: FailedEventOptions;

  constructor(options: PipelineOptions) {
    const { policy, resultProcessors, deadLetters } = options;
    const { concurrency, maxBufferedBytes } = options;
    this.#options = options;
    // While a destination is away, every result waits for it and is retried.
    this.#publishing = { ...options, throttle: new LogThrottle({ maxLines: LINES_OF_PUBLISHING }) };
    this.#failed = { ...options, ...this.#publishing, onFailure: policy.onFailure, deadLetters };
    this.#calls = {
      ...options,
      // A failing endpoint could cause thousands of log lines a second.
      throttle: new LogThrottle({ maxLines: LINES_OF_CALLS }),
      slots: new CallSlots(concurrency, { maxHeldBytes: maxBufferedBytes }),
      unansweredCalls: new UnansweredCalls(),
      takesErrors: resultProcessors.some(({ when }) => when.includes("onError")),
    };
  }

  async settle(delivery: Delivery): Promise<void> {
    const { onTombstone, telemetry } = this.#options;
    const { event, lease } = delivery;
    delivery.telemetry = telemetry;
    if (event.value === null && onTombstone === "skip") {
      return telemetry?.settled(delivery, "skipped");
    }
    const history: CallHistory = event.past === undefined
      ? {}
      : { attempts: attemptsFor(event, this.#options) };
    try {
      const { outcome, records } = this.#recordsOf(await this.#outcomeOf(delivery, history), event);
      for (let toStore = records;;) {
        const { failure, refused } = await this.#complete(
          { outcome, toStore },
          { delivery, history },
        );
        if (failure === null) return;
        delivery.enter("backingOff");
        const attempts = history.attempts ??= attemptsFor(event, this.#options);
        attempts.fail();
        await attempts.pauses.pause(whileBlocked(failure), { lease, isBlocking: true });
        // After a result that is too large: the other processors have stored theirs. After any other failure, nothing is
        // left to repeat: the event waits for an operator.
        toStore = refused;
        await this.#calls.slots.beginWithoutCall(delivery);
      }
    } catch (error) {
      // Before the rejection lets the next event of the key begin: the lease must know by then that this one is unsettled.
      delivery.enter("givenUp");
      throw error;
    } finally {
      history.attempts?.pauses.end();
    }
  }

  /** The outcome of calls. Some events need none: forwarded tombstones, too large events, and poison pills. */
  async #outcomeOf(delivery: Delivery, history: CallHistory): Promise<Outcome> {
    const { event, lease } = delivery;
    const { policy, slots } = this.#calls;
    const isForwarded = event.value === null && this.#options.onTombstone === "forward";
    const crash = isForwarded ? null : crashFailure(event, this.#calls);
    const failure = oversizeFailure(event) ?? crash;
    if (failure === null && !isForwarded) return await callHandler(delivery, this.#calls, history);
    await slots.beginWithoutCall(delivery);
    if (failure === null) return { kind: "tombstone" };
    const isCalledAgain = failure === crash && policy.onFailure === "block";
    if (!isCalledAgain) return { kind: "failed", failure };
    // A pause first: other events go before one that may end the process.
    delivery.enter("backingOff");
    await history.attempts?.pauses.pause(whileBlocked(failure), { lease, isBlocking: true });
    return await callHandler(delivery, this.#calls, history);
  }

  /** Builds all records before any is published: an event is stored as a whole, or fails as a whole. */
  #recordsOf(
    outcome: Outcome,
    event: InboundEvent,
  ): { outcome: Outcome; records: readonly Addressed[] } {
    if (outcome.kind === "failed") return { outcome, records: [] };
    const result = outcome.kind === "result" ? outcome.result : undefined;
    try {
      const targets = this.#targetsFor(result?.when ?? "onSuccess");
      return { outcome, records: recordsFor(targets, event, result) };
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      const failure: EventFailure = { reason: "template", message: error.message };
      return { outcome: { kind: "failed", failure }, records: [] };
    }
  }

  #targetsFor(when: When): readonly ConfiguredResultProcessor[] {
    return this.#options.resultProcessors.filter((each) => each.when.includes(when));
  }

  /**
   * Resolves with `failure: null` when the event has settled. Otherwise the event blocks: `failure` says why, and
   * `refused` holds the records that could not be stored.
   */
  async #complete(
    { outcome, toStore }: { outcome: Outcome; toStore: readonly Addressed[] },
    { delivery, history: { attempts } }: { delivery: Delivery; history: CallHistory },
  ): Promise<{ failure: EventFailure | null; refused: readonly Addressed[] }> {
    const heldBytes = outcome.kind === "result" ? outcome.result.value.byteLength : 0;
    this.#calls.slots.hold(heldBytes);
    try {
      const refused = await this.#publishAll(toStore, delivery);
      const isReplaced = refused.length > 0 && outcome.kind === "result" &&
        await this.#publishReplacement(outcome.result, refused, delivery);
      const failure = outcome.kind === "failed"
        ? outcome.failure
        : refused.length === 0 || isReplaced
        ? null
        : TOO_LARGE;
      if (failure === null) delivery.telemetry?.settled(delivery, "done");
      const isSettled = failure === null ||
        await applyOnFailure({ delivery, failure, attempts }, this.#failed);
      return { failure: isSettled ? null : failure, refused };
    } finally {
      this.#calls.slots.release(heldBytes);
    }
  }

  /** Publishes an error in place of a result that is too large; resolves with false when no processor takes it. */
  async #publishReplacement(
    result: Result,
    refused: readonly Addressed[],
    delivery: Delivery,
  ): Promise<boolean> {
    const { event } = delivery;
    const replacement = tooLargeResult(result);
    const targets = result.when === "onError"
      ? refused.map(({ target }) => target)
      : this.#targetsFor("onError");
    if (targets.length === 0) return false;
    try {
      const records = recordsFor(targets, event, replacement);
      return (await this.#publishAll(records, delivery)).length === 0;
    } catch (error) {
      if (error instanceof TemplateError) return false;
      throw error;
    }
  }

  /** Resolves with the records that are too large to store. */
  async #publishAll(
    records: readonly Addressed[],
    delivery: Delivery,
  ): Promise<readonly Addressed[]> {
    const refused: Addressed[] = [];
    for (const addressed of records) {
      const { record, target: { processor } } = addressed;
      const publication = { record, processor, content: "result", delivery } as const;
      const place = await publish(publication, this.#publishing);
      if (place === null) refused.push(addressed);
      else this.#options.log.debug(() => producedLine(place));
    }
    return refused;
  }
}

/** Outcome of an event's calls, or of an event that needs none. */
type Outcome = CallsOutcome | { readonly kind: "tombstone" };

/** A record and its destination. */
interface Addressed {
  readonly record: OutboundRecord;
  readonly target: ConfiguredResultProcessor;
}

/** @throws {TemplateError} when any of them cannot be built */
function recordsFor(
  targets: readonly ConfiguredResultProcessor[],
  event: InboundEvent,
  result: Result | undefined,
): readonly Addressed[] {
  const record = resultRecord(event, result);
  return targets.map((target) => ({
    record: shapedRecord(record, target.templates, { event, result }),
    target,
  }));
}

/** Log lines for a reason in 10 s. Of calls, more than a single failing event usually needs. */
const LINES_OF_CALLS = 20;
const LINES_OF_PUBLISHING = 3;

const TOO_LARGE: EventFailure = {
  reason: "tooLarge",
  message: "the result is too large for its destination",
};

/** Same text as in the Go version. */
function producedLine(place: string): string {
  return `successfully produced EventHandler result: ${place}`;
}
