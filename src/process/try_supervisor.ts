import type { PipelineConfig } from "../config/schema.ts";
import type { LogSink } from "../core/log.ts";
import { tryPermissions } from "./sandbox.ts";
import { startWorker } from "./supervised_worker.ts";
import type { TryCommand, TryEvent, TryReport } from "./worker_messages.ts";

const TRY_WORKER = new URL("./try_worker.ts", import.meta.url);

/** How a trial ended. */
export type TryEnd = Extract<TryReport, { kind: "ended" | "failed" }>;

/** Sends an event through a pipeline's handler, in a Worker that may reach only what the handler needs. */
export async function runTrial(
  pipeline: PipelineConfig,
  { event, secrets, log, workerUrl = TRY_WORKER }: {
    event: TryEvent;
    secrets: readonly string[];
    log: LogSink;
    /** The module of the Worker. */
    workerUrl?: URL;
  },
): Promise<TryEnd> {
  const { promise, resolve } = Promise.withResolvers<TryEnd>();
  const worker = startWorker(workerUrl, `${pipeline.name} (try)`, tryPermissions(pipeline));
  worker.onmessage = ({ data }: MessageEvent<TryReport>) => {
    if (data.kind === "log") log(data.record);
    else resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    resolve({ kind: "failed", reason: event.message });
  };
  worker.postMessage({ pipeline, event, secrets } satisfies TryCommand);
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}
