/**
 * Worker of one pipeline. It runs in the pipeline's sandbox and exchanges plain messages with the main isolate.
 *
 * @module
 */
import type { PipelineConfig } from "../config/schema.ts";
import { CircuitBreaker } from "../core/failures/circuit_breaker.ts";
import { failurePolicy } from "../core/failure_policy.ts";
import { PipelineHealth } from "../core/health.ts";
import type { Handler } from "../core/handler.ts";
import { LeaseController } from "../core/lease.ts";
import { runPipeline } from "../core/pipeline/pipeline.ts";
import type { HandlerConfig } from "../core/transport.ts";
import { handlerRole, listenerRole, resultProcessorRole } from "../transports/mod.ts";
import { ALIVE_INTERVAL_MS, type PipelineCommand } from "./worker_messages.ts";
import { contextOf, report, reportEnd, reportUncaughtErrors } from "./worker_side.ts";

const lease = new LeaseController();
const health = new PipelineHealth();

/** Undefined until it is open. */
let handler: Handler | undefined;
let breaker: CircuitBreaker | undefined;
/** The handler's latest configuration, if it changed since the start. */
let updatedHandler: HandlerConfig | undefined;

reportUncaughtErrors();

self.addEventListener("message", ({ data }: MessageEvent<PipelineCommand>) => {
  switch (data.kind) {
    case "start":
      setInterval(
        () => report({ kind: "progress", progress: health.reasons() }),
        ALIVE_INTERVAL_MS,
      );
      reportEnd(run(data.pipeline, data.readyAfterMs));
      break;
    case "update":
      updatedHandler = data.eventHandler;
      handler?.update?.(updatedHandler);
      breaker?.renew();
      break;
    case "stop":
      lease.beginEnd();
      setTimeout(() => lease.end(), data.drainMs);
      break;
  }
});

async function run(pipeline: PipelineConfig, readyAfterMs: number): Promise<null> {
  const { name, eventListener, eventHandler, eventResultProcessor, deadLetter } = pipeline;
  const { ordering, concurrency, maxBufferedBytes } = pipeline;
  const context = { ...contextOf(pipeline), health };
  const { log } = context;
  const opening = "opening";
  health.fails(opening, "it is starting");
  await using opened = new AsyncDisposableStack();
  const resultProcessors = [];
  for (const config of eventResultProcessor) {
    const processor = opened.use(await resultProcessorRole(config).open(config, context));
    resultProcessors.push({ when: config.when, processor, templates: config.templates });
  }
  const deadLetters = deadLetter &&
    opened.use(await resultProcessorRole(deadLetter).open(deadLetter, context));
  handler = opened.use(await handlerRole(eventHandler).open(eventHandler, context));
  if (updatedHandler !== undefined) handler.update?.(updatedHandler);
  breaker = new CircuitBreaker({ log, health, startsHalfOpen: handler.mayBeRefused });
  const listener = opened.use(await listenerRole(eventListener).open(eventListener, context));
  health.works(opening);
  await runPipeline(
    {
      name,
      listener,
      handler,
      breaker,
      resultProcessors,
      ...(deadLetters === undefined ? {} : { deadLetters }),
      policy: failurePolicy(eventHandler, { hasDeadLetters: deadLetters !== undefined }),
      onTombstone: eventHandler.onTombstone,
      ordering,
      concurrency,
      maxBufferedBytes,
      log,
      health,
      readyAfterMs,
    },
    lease,
  );
  return null;
}
