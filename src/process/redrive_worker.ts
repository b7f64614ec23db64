/**
 * Worker that redrives the dead letters of a pipeline. It exchanges plain messages with the main isolate.
 *
 * @module
 */
import { printOut } from "./console.ts";
import { LeaseController } from "../core/lease.ts";
import { listTo, redriveTo } from "../core/redrive/redrive_one.ts";
import { Redrive } from "../core/redrive/redrive.ts";
import { readerName, type RedriveScope } from "../core/redrive/selection.ts";
import { redriveRoles } from "./redrive_roles.ts";
import {
  PROGRESS_INTERVAL_MS,
  type RedriveCommand,
  type RedriveProgress,
  type RedriveResult,
} from "./worker_messages.ts";
import { contextOf, report, reportEnd, reportUncaughtErrors } from "./worker_side.ts";

const lease = new LeaseController();

reportUncaughtErrors();

self.addEventListener("message", ({ data }: MessageEvent<RedriveCommand>) => {
  switch (data.kind) {
    case "start":
      reportEnd(run(data));
      break;
    case "stop":
      lease.beginEnd();
      setTimeout(() => lease.end(), data.drainMs);
      break;
  }
});

async function run(
  { pipeline, selection, range }: RedriveCommand & { kind: "start" },
): Promise<RedriveResult> {
  const { name, ordering } = pipeline;
  const { filter, limit, dryRun } = selection;
  const context = contextOf(pipeline);
  const roles = redriveRoles(pipeline);
  if ("problem" in roles) throw new Error(roles.problem);
  const scope: RedriveScope = { pipeline: name, filter };
  await using opened = new AsyncDisposableStack();
  const redriveOne = dryRun ? listTo(printOut) : redriveTo({
    log: context.log,
    source: opened.use(await roles.writeBack(pipeline.eventListener, context)),
  });
  const deadLetters = opened.use(
    await roles.readBack(roles.deadLetter, {
      ...context,
      reader: readerName(scope),
      range,
      remembers: !dryRun,
    }),
  );
  const redrive = new Redrive({ ...scope, deadLetters, ordering, limit, redriveOne });
  function reportProgress(): void {
    const progress: RedriveProgress = { counts: redrive.counts, reading: deadLetters.progress };
    report({ kind: "progress", progress });
  }
  const timer = setInterval(reportProgress, PROGRESS_INTERVAL_MS);
  try {
    return await redrive.run(lease);
  } finally {
    clearInterval(timer);
    reportProgress();
  }
}
