/**
 * Worker that redrives the dead letters of a pipeline. It exchanges plain messages with the main isolate.
 *
 * @module
 */
import { printOut } from "./console.ts";
import { LeaseController } from "../core/lease.ts";
import { Logger } from "../core/log.ts";
import { listTo, redriveTo } from "../core/redrive/redrive_one.ts";
import { Redrive } from "../core/redrive/redrive.ts";
import { readerName, type RedriveScope } from "../core/redrive/selection.ts";
import { redriveRoles } from "./redrive_roles.ts";
import { reportFailures } from "./worker_failures.ts";
import {
  PROGRESS_INTERVAL_MS,
  type RedriveCommand,
  type RedriveReport,
} from "./worker_messages.ts";

const lease = new LeaseController();

function report(message: RedriveReport): void {
  self.postMessage(message);
}

const fail = reportFailures(report);

self.addEventListener("message", ({ data }: MessageEvent<RedriveCommand>) => {
  switch (data.kind) {
    case "start":
      run(data).then((refusal) => report({ kind: "ended", refusal }), fail);
      break;
    case "stop":
      lease.beginEnd();
      setTimeout(() => lease.end(), data.drainMs);
      break;
  }
});

async function run(
  { pipeline, selection, range }: RedriveCommand & { kind: "start" },
): Promise<string | null> {
  const { name, ordering, concurrency, maxLookahead, maxBufferedBytes } = pipeline;
  const { filter, limit, dryRun } = selection;
  const log = new Logger((record) => report({ kind: "log", record }), {
    level: pipeline.logLevel,
    pipeline: name,
  });
  const context = { pipeline: name, log, limits: { concurrency, maxLookahead, maxBufferedBytes } };
  const roles = redriveRoles(pipeline);
  if ("problem" in roles) throw new Error(roles.problem);
  const scope: RedriveScope = { pipeline: name, filter };
  await using opened = new AsyncDisposableStack();
  const redriveOne = dryRun ? listTo(printOut) : redriveTo({
    log,
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
    const { counts } = redrive;
    report({ kind: "progress", progress: { counts, reading: deadLetters.progress } });
  }
  const timer = setInterval(reportProgress, PROGRESS_INTERVAL_MS);
  try {
    return await redrive.run(lease);
  } finally {
    clearInterval(timer);
    reportProgress();
  }
}
