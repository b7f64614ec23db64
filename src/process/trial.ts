import type { PipelineConfig } from "../config/schema.ts";
import { formatDelay } from "../core/backoff.ts";
import { Delivery } from "../core/delivery.ts";
import type { InboundEvent } from "../core/event.ts";
import { CircuitBreaker } from "../core/failures/circuit_breaker.ts";
import { failurePolicy, type RetryPolicy } from "../core/failure_policy.ts";
import { type CallOutcome, type Handler, HandlerError } from "../core/handler.ts";
import { LeaseController } from "../core/lease.ts";
import { EventNotSettledError, type Listener } from "../core/listener.ts";
import { Logger } from "../core/log.ts";
import { runPipeline } from "../core/pipeline/pipeline.ts";
import type { RecordTemplates } from "../core/record_templates.ts";
import type { OutboundRecord, ResultProcessor } from "../core/result_processor.ts";
import type { Telemetry } from "../core/telemetry.ts";
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
  const lease = new LeaseController();
  const logged: string[] = [];
  const records: TrialRecord[] = [];
  let outcome: CallOutcome | undefined;
  let settled: Parameters<Telemetry["settled"]>[1] | undefined;
  await runPipeline({
    name,
    listener: listenerOf(event),
    handler,
    resultProcessors: eventResultProcessor.map((config) => ({
      when: config.when,
      templates: config.templates,
      processor: keeper(records, config),
    })),
    ...(deadLetter === undefined ? {} : { deadLetters: keeper(records, deadLetter) }),
    // The first error response counts as the last one.
    policy: { ...policy, retry: null },
    onTombstone: eventHandler.onTombstone,
    ordering,
    concurrency: 1,
    // One call shows no outage, and its refusal is in the outcome.
    breaker: new CircuitBreaker({ log: new Logger(() => {}, { level: "ERROR" }) }),
    log: new Logger(({ message }) => logged.push(message), { level: "WARN" }),
    telemetry: {
      entered: ({ state }) => {
        // The event would wait for another call.
        if (state === "backingOff") lease.beginEnd();
      },
      called: (_delivery, result) => outcome = result,
      stored: () => {},
      settled: (_delivery, how) => settled = how,
    },
  }, lease);

  const repetition = repetitionAfter(outcome, policy.retry);
  const decision = settled === undefined
    ? outcome instanceof HandlerError
      ? "call again, with growing pauses, until the endpoint answers"
      : "block: try again for ever, with growing pauses, while later events wait as 'ordering' says"
    : settled === "deadLetter"
    ? "publish a dead letter"
    : settled === "discarded"
    ? "discard the event"
    : publicationOf(outcome, records.length);
  return {
    outcome: describe(outcome),
    next: [
      ...repetition === null ? [decision] : [repetition, `if all end like this one, ${decision}`],
      ...logged.map((message) => `log: ${message}`),
    ],
    records,
    isDone: settled === "done" && repetition === null && logged.length === 0,
  };
}

/** Delivers one event. */
function listenerOf(event: InboundEvent): Listener {
  return {
    async listen(deliver, lease) {
      try {
        await deliver(new Delivery(event, lease));
      } catch (error) {
        if (!(error instanceof EventNotSettledError)) throw error;
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function describe(outcome: CallOutcome | undefined): string {
  if (outcome === undefined) return "no call";
  if (outcome instanceof TemplateError) return `no call: ${outcome.message}`;
  if (outcome instanceof HandlerError) return outcome.message;
  return `${outcome.when === "onSuccess" ? "success" : "error response"}: ${outcome.summary}`;
}

function publicationOf(outcome: CallOutcome | undefined, records: number): string {
  if (records === 0) return "publish nothing: no eventResultProcessor is configured for onSuccess";
  return outcome !== undefined && "error" in outcome
    ? `publish the error to each eventResultProcessor for onError (${records})`
    : `publish the result to each eventResultProcessor for onSuccess (${records})`;
}

/** What comes before that decision: other calls, as `retry` says. */
function repetitionAfter(
  outcome: CallOutcome | undefined,
  retry: RetryPolicy | null,
): string | null {
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
