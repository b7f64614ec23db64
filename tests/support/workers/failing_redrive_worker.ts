/**
 * A redrive's Worker that fails after three of six dead letters the first time. When it is started again, it redrives
 * as many as it still may and ends.
 *
 * @module
 */
import type { ReadProgress } from "../../../src/core/transport.ts";
import type {
  RedriveCommand,
  RedriveProgress,
  RedriveResult,
  WorkerReport,
} from "../../../src/process/worker_messages.ts";

function report(message: WorkerReport<RedriveResult, RedriveProgress>): void {
  self.postMessage(message);
}

function reportProgress(redriven: number, reading: ReadProgress): void {
  const counts = { redriven, notMatching: 1, ofOtherPipelines: 0, notDeadLetters: 0 };
  report({ kind: "progress", progress: { counts, reading } });
}

self.addEventListener("message", ({ data }: MessageEvent<RedriveCommand>) => {
  if (data.kind === "stop") return;
  const { range, selection: { limit = 0 } } = data;
  if (range === undefined) {
    reportProgress(3, { range: "the six", total: 6, unread: 3, read: ["0 to 2"] });
    report({ kind: "failed", reason: "failed on purpose", isRefusal: false });
    return;
  }
  reportProgress(limit, { range, total: 6, unread: 3 - limit, read: [`0 to ${2 + limit}`] });
  report({ kind: "ended", result: null });
});
