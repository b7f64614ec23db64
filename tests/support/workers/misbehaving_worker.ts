/**
 * The Worker of a pipeline as it is, which goes wrong in the way that the pipeline's name says once it was told to
 * start. Other names stand for a pipeline that does its work.
 *
 * @module
 */
import "../../../src/process/pipeline_worker.ts";
import type { PipelineCommand } from "../../../src/process/worker_messages.ts";

const MISBEHAVIOURS: Readonly<Record<string, () => void>> = {
  throws: () => {
    throw new Error("thrown on purpose");
  },
  rejects: () => void Promise.reject(new Error("rejected on purpose")),
  hangs: () => {
    for (;;);
  },
  exits: () => Deno.exit(0),
  closes: () => self.close(),
};

self.addEventListener("message", ({ data }: MessageEvent<PipelineCommand>) => {
  if (data.kind !== "start") return;
  const misbehave = MISBEHAVIOURS[data.pipeline.name];
  if (misbehave !== undefined) setTimeout(misbehave);
});
