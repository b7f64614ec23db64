/**
 * In place of a pipeline's Worker: once it was told to start, it answers what the path of its endpoint names, or nothing
 * when the path names none of these.
 *
 * @module
 */
import type { PipelineCommand, WorkerReport } from "../../../src/process/worker_messages.ts";

const ANSWERS: Readonly<Record<string, WorkerReport<null, readonly string[]>>> = {
  "/ready": { kind: "progress", progress: [] },
  "/ends": { kind: "ended", result: null },
  "/fails": { kind: "failed", reason: "failed on purpose", isRefusal: false },
};

function report(message: WorkerReport<null, readonly string[]>): void {
  self.postMessage(message);
}

self.addEventListener("message", ({ data }: MessageEvent<PipelineCommand>) => {
  if (data.kind === "stop") return report({ kind: "ended", result: null });
  if (data.kind !== "start") return;
  const url = new URL(Reflect.get(data.pipeline.eventHandler, "url"));
  const answer = ANSWERS[url.pathname];
  if (answer !== undefined) report(answer);
});
