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
import { Logger } from "../core/log.ts";
import { runPipeline } from "../core/pipeline/pipeline.ts";
import type { HandlerConfig } from "../core/transport.ts";
import { handlerRole, listenerRole, resultProcessorRole } from "../transports/mod.ts";
import { reportFailures } from "./worker_failures.ts";
import { ALIVE_INTERVAL_MS, type PipelineCommand, type PipelineReport } from "./worker_messages.ts";

const lease = new LeaseController();
const health = new PipelineHealth();

/** Undefined until it is open. */
let handler: Handler | undefined;
let breaker: CircuitBreaker | undefined;
/** The handler's latest configuration, if it changed since the start. */
let updatedHandler: HandlerConfig | undefined;

function report(message: PipelineReport): void {
  self.postMessage(message);
}

const fail = reportFailures(report);

self.addEventListener("message", ({ data }: MessageEvent<PipelineCommand>) => {
  switch (data.kind) {
    case "start":
      setInterval(
        () => report({ kind: "alive", notReady: health.reasons() }),
        ALIVE_INTERVAL_MS,
      );
      run(data.pipeline, data.readyAfterMs).then(() => report({ kind: "ended" }), fail);
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

async function run(pipeline: PipelineConfig, readyAfterMs: number): Promise<void> {
  const { name, logLevel, eventListener, eventHandler, eventResultProcessor, deadLetter } =
    pipeline;
  const log = new Logger((record) => report({ kind: "log", record }), {
    level: logLevel,
    pipeline: name,
  });
  const { concurrency, maxLookahead, maxBufferedBytes } = pipeline;
  const limits = { concurrency, maxLookahead, maxBufferedBytes };
  const context = { pipeline: name, log, limits, health };
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
      ordering: pipeline.ordering,
      concurrency,
      maxBufferedBytes,
      log,
      health,
      readyAfterMs,
    },
    lease,
  );
}
