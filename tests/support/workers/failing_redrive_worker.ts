/**
 * A redrive's Worker that fails after three dead letters the first time, of six up to offset 6. When it is started
 * again, it puts back as many as it still may and ends.
 *
 * @module
 */
import type { RedriveCommand, RedriveReport } from "../../../src/process/worker_messages.ts";

function report(message: RedriveReport): void {
  self.postMessage(message);
}

function reportProgress(putBack: number, start: number, end: number): void {
  const counts = {
    putBack,
    notChosen: 1,
    putBackBefore: 0,
    ofOtherPipelines: 0,
    noDeadLetters: 0,
  };
  const positions = new Map([[0, start + putBack]]);
  const [starts, ends] = [new Map([[0, start]]), new Map([[0, end]])];
  report({ kind: "progress", progress: { counts, starts, ends, positions } });
}

self.addEventListener("message", ({ data }: MessageEvent<RedriveCommand>) => {
  if (data.kind === "stop") return;
  if (data.ends === undefined) {
    reportProgress(3, 0, 6);
    report({ kind: "failed", reason: "failed on purpose", isRefusal: false });
    return;
  }
  reportProgress(data.selection.limit ?? 0, 3, data.ends.get(0) ?? NaN);
  report({ kind: "ended", refusal: null });
});
