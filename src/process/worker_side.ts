import type { PipelineConfig } from "../config/schema.ts";
import { Logger } from "../core/log.ts";
import type { OpenContext } from "../core/transport.ts";
import { failedReport } from "./worker_failures.ts";
import type { WorkerReport } from "./worker_messages.ts";

/** Sends a report from a Worker to the main thread. */
export function report<Result, Progress>(message: WorkerReport<Result, Progress>): void {
  self.postMessage(message);
}

/** Reports how a Worker's task ends. */
export function reportEnd<Result>(task: Promise<Result>): void {
  task.then((result) => report({ kind: "ended", result }), fail);
}

/**
 * Reports a Worker's uncaught errors. Otherwise, the runtime would end the whole process and print a stack that may
 * hold payload.
 */
export function reportUncaughtErrors(): void {
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
}

function fail(error: unknown): void {
  report(failedReport(error));
}

/** What a Worker opens the roles of a pipeline with. */
export function contextOf(
  { name, logLevel, concurrency, maxLookahead, maxBufferedBytes }: PipelineConfig,
): OpenContext {
  const log = new Logger((record) => report({ kind: "log", record }), {
    level: logLevel,
    pipeline: name,
  });
  return { pipeline: name, log, limits: { concurrency, maxLookahead, maxBufferedBytes } };
}
