/**
 * In place of a pipeline's Worker: it logs what it is told, and takes a while to end.
 *
 * @module
 */
import type { PipelineCommand, WorkerReport } from "../../../src/process/worker_messages.ts";

const DRAIN_MS = 300;

function report(message: WorkerReport<null, readonly string[]>): void {
  self.postMessage(message);
}

self.addEventListener("message", ({ data }: MessageEvent<PipelineCommand>) => {
  const details = data.kind === "start"
    ? ` ${Reflect.get(data.pipeline.eventHandler, "url")}`
    : data.kind === "update"
    ? ` ${Reflect.get(data.eventHandler, "url")}`
    : "";
  const message = `told to ${data.kind}${details}`;
  report({ kind: "log", record: { timestampMs: 0, level: "INFO", message } });
  if (data.kind === "stop") setTimeout(() => report({ kind: "ended", result: null }), DRAIN_MS);
});
