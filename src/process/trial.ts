import type { PipelineConfig } from "../config/schema.ts";
import { formatDelay } from "../core/backoff.ts";
import { Delivery, type DeliveryState } from "../core/delivery.ts";
import type { InboundEvent } from "../core/event.ts";
import { CircuitBreaker } from "../core/failures/circuit_breaker.ts";
import { failurePolicy, type RetryPolicy } from "../core/failure_policy.ts";
import { type Handler, HandlerError, type Result } from "../core/handler.ts";
import { LeaseController } from "../core/lease.ts";
import { type Deliver, EventNotSettledError, type Listener } from "../core/listener.ts";
import { Logger } from "../core/log.ts";
import { runPipeline } from "../core/pipeline/pipeline.ts";
import type { RecordTemplates } from "../core/record_templates.ts";
import type { OutboundRecord, ResultProcessor } from "../core/result_processor.ts";
import { TemplateError } from "../core/template.ts";
import type { RoleConfig } from "../core/transport.ts";
import { resultProcessorRole } from "../transports/mod.ts";

/** A record that was kept instead of stored. */
export interface TrialRecord {
  readonly record: OutboundRecord;
  /** Its destination, in readable form. */
  readonly destination: string;
  readonly templates?: RecordTemplates | undefined;
}

/** Outcome of a call for one event, and what a running pipeline would do with it. */
export interface Trial {
  /** Outcome of the call, without payload: `success: status 200`. */
  readonly outcome: string;
  /** What a running pipeline would do next, one sentence each. */
  readonly next: readonly string[];
  /** Records that it would publish, in this order. */
  readonly records: readonly TrialRecord[];
  /** Whether this one call would settle the event with a result. */
  readonly isDone: boolean;
}

/**
 * Runs a pipeline for one event and one call. Its records are kept instead of stored. Without other events, nothing
 * distinguishes an outage from a failure of this one.
 */
export async function runTrial(
  event: InboundEvent,
  pipeline: PipelineConfig,
  handler: Handler,
): Promise<Trial> {
  const { name, ordering, eventHandler, eventResultProcessor, deadLetter } = pipeline;
  const policy = failurePolicy(eventHandler, { hasDeadLetters: deadLetter !== undefined });
  const logged: string[] = [];
  const results: TrialRecord[] = [];
  const deadLetters: TrialRecord[] = [];
  const listener = new OneEventListener(event);
  const call = new OneCall(handler);
  await runPipeline({
    name,
    listener,
    handler: call,
    resultProcessors: eventResultProcessor.map((config) => ({
      when: config.when,
      templates: config.templates,
      processor: keeper(results, config),
    })),
    ...(deadLetter === undefined ? {} : { deadLetters: keeper(deadLetters, deadLetter) }),
    // The first error response counts as the last one.
    policy: { ...policy, retry: null },
    onTombstone: eventHandler.onTombstone,
    ordering,
    concurrency: 1,
    // One call shows no outage, and its refusal is in the outcome.
    breaker: new CircuitBreaker({ log: new Logger(() => {}, { level: "ERROR" }) }),
    log: new Logger(({ message }) => logged.push(message), { level: "WARN" }),
  }, new LeaseController());

  const { outcome } = call;
  const repetition = repetitionAfter(outcome, policy.retry);
  const decision = listener.isSettled
    ? decisionAbout({ outcome, results, deadLetters, isLogged: logged.length > 0 })
    : outcome instanceof HandlerError
    ? "call again, with growing pauses, until the endpoint answers"
    : "block: call again for ever, with growing pauses, while later events of its key wait";
  return {
    outcome: describe(outcome),
    next: [
      ...repetition === null ? [decision] : [repetition, `if all end like this one, ${decision}`],
      ...logged.map((message) => `log: ${message}`),
    ],
    records: [...results, ...deadLetters],
    isDone: listener.isSettled && repetition === null && logged.length === 0,
  };
}

type Outcome = Result | HandlerError | TemplateError;

function describe(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "no call";
  if (outcome instanceof TemplateError) return `no call: ${outcome.message}`;
  if (outcome instanceof HandlerError) return outcome.message;
  return `${outcome.when === "onSuccess" ? "success" : "error response"}: ${outcome.summary}`;
}

function decisionAbout(
  { outcome, results, deadLetters, isLogged }: {
    outcome: Outcome | undefined;
    results: readonly TrialRecord[];
    deadLetters: readonly TrialRecord[];
    isLogged: boolean;
  },
): string {
  if (deadLetters.length > 0) return "publish a dead letter";
  if (isLogged) return "discard the event";
  if (results.length === 0) {
    return "publish nothing: no eventResultProcessor is configured for onSuccess";
  }
  return outcome !== undefined && "error" in outcome
    ? `publish the error to each eventResultProcessor for onError (${results.length})`
    : `publish the result to each eventResultProcessor for onSuccess (${results.length})`;
}

/** What comes before that decision: other calls, as `retry` says. */
function repetitionAfter(outcome: Outcome | undefined, retry: RetryPolicy | null): string | null {
  if (outcome === undefined || !("error" in outcome) || !outcome.error.isTransient) return null;
  if (retry === null || retry.maxAttempts === 1) return null;
  const { retryAfterMs } = outcome.error;
  const pause = retryAfterMs !== undefined
    ? ` after ${formatDelay(retryAfterMs)}, as the response asks by Retry-After`
    : retry.backoff === undefined
    ? ""
    : ` after up to ${formatDelay(retry.backoff.initialDelayMs)}`;
  return `call again${pause}, up to ${retry.maxAttempts} calls in all`;
}

/** Delivers one event, until it has to wait for another call. */
class OneEventListener implements Listener {
  isSettled = false;
  readonly #event: InboundEvent;

  constructor(event: InboundEvent) {
    this.#event = event;
  }

  async listen(deliver: Deliver): Promise<void> {
    try {
      await deliver(new OneCallDelivery(this.#event));
      this.isSettled = true;
    } catch (error) {
      if (!(error instanceof EventNotSettledError)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Ends its lease as soon as the event has to wait for another call. */
class OneCallDelivery extends Delivery {
  readonly #lease: LeaseController;

  constructor(event: InboundEvent) {
    const lease = new LeaseController();
    super(event, lease);
    this.#lease = lease;
  }

  override enter(state: DeliveryState): void {
    super.enter(state);
    if (state === "backingOff") this.#lease.beginEnd();
  }
}

/** Remembers the outcome of the call. */
class OneCall implements Handler {
  outcome: Outcome | undefined;
  readonly #handler: Handler;

  constructor(handler: Handler) {
    this.#handler = handler;
  }

  async handle(...call: Parameters<Handler["handle"]>): Promise<Result> {
    try {
      return this.outcome = await this.#handler.handle(...call);
    } catch (error) {
      if (error instanceof HandlerError || error instanceof TemplateError) this.outcome = error;
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Keeps records instead of storing them. */
function keeper(
  records: TrialRecord[],
  config: RoleConfig & Pick<TrialRecord, "templates">,
): ResultProcessor {
  const destination = resultProcessorRole(config).describe(config);
  return {
    process(record) {
      records.push({ record, destination, templates: config.templates });
      return Promise.resolve(destination);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
