import { type Command, EXIT_CODE } from "./command_line.ts";
import type { Config, PipelineConfig } from "../config/schema.ts";
import { printError, printOut } from "../process/console.ts";
import { Logger, type LogSink } from "../core/log.ts";
import { LogWriter } from "../process/log_writer.ts";
import { redriveRoles } from "../process/redrive_roles.ts";
import { progressLine, type RedriveRoute, summary } from "./redrive_summary.ts";
import { RedriveSupervisor } from "../process/redrive_supervisor.ts";
import { rolesOf } from "../config/roles.ts";
import { PROGRESS_INTERVAL_MS } from "../process/worker_messages.ts";
import { loadFiles, pipelineOf } from "./configuration.ts";
import { untilForced } from "./shutdown.ts";
import { StatusLine } from "./status_line.ts";

/** Redrives dead letters of a pipeline until none is left or a signal comes; resolves with the exit code. */
export async function redrive(command: Command & { kind: "redrive" }): Promise<number> {
  const config = await loadFiles(command.files);
  if (config === null) return EXIT_CODE.misuse;
  const pipeline = await choosePipeline(config, command.pipeline);
  if (pipeline === null) return EXIT_CODE.misuse;
  const statusLine = new StatusLine(Deno.stderr);
  await using writer = new LogWriter(config.logFormat, statusLine);
  const { log } = writer;
  const { filter, limit, dryRun } = command;
  const supervisor = new RedriveSupervisor(pipeline, { selection: { filter, limit, dryRun }, log });
  const timer = setInterval(() => {
    const { progress } = supervisor;
    // A dry run lists dead letters instead.
    if (progress !== null && !dryRun) statusLine.show(progressLine(progress));
  }, PROGRESS_INTERVAL_MS);
  const failure = await Promise.race([supervisor.run(), stopped(supervisor, { config, log })]);
  clearInterval(timer);
  statusLine.clear();
  await printOut(summary(supervisor.progress, { ...routeOf(pipeline), filter, dryRun }));
  if (failure === null) return EXIT_CODE.stopped;
  await printError(`eventor: ${failure}\n`);
  return EXIT_CODE.failed;
}

async function choosePipeline(config: Config, name: string): Promise<PipelineConfig | null> {
  const pipeline = await pipelineOf(config, name);
  const roles = pipeline && redriveRoles(pipeline);
  if (roles === null || !("problem" in roles)) return pipeline;
  await printError(
    `eventor: cannot put back dead letters of pipeline '${name}': ${roles.problem}\n`,
  );
  return null;
}

function routeOf(pipeline: PipelineConfig): RedriveRoute {
  const describe = (wanted: string) =>
    rolesOf(pipeline).filter(({ path }) => path === wanted)
      .map(({ role, config }) => role.describe(config)).join("");
  return { from: describe("deadLetter"), onto: describe("eventListener") };
}

/**
 * The first signal lets work in progress finish. Resolves with null when that takes too long, as an end on request;
 * with an error after a second signal.
 */
async function stopped(
  supervisor: RedriveSupervisor,
  { config: { shutdownTimeoutMs }, log }: { config: Config; log: LogSink },
): Promise<string | null> {
  const reason = await untilForced(shutdownTimeoutMs, () => supervisor.stop(shutdownTimeoutMs));
  if (reason !== "late") return `second signal (${reason}): events in flight may be put back twice`;
  new Logger(log, { level: "WARN" })
    .warn("not all work has ended in time; events in flight may be put back twice");
  return null;
}
