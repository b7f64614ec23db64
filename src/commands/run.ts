import { startAdmin } from "../process/admin.ts";
import { type Command, EXIT_CODE } from "./command_line.ts";
import type { Config } from "../config/schema.ts";
import { Logger, type LogSink } from "../core/log.ts";
import { LogWriter } from "../process/log_writer.ts";
import {
  neededFiles,
  openFilesWarning,
  roomForFiles,
  shareOfCalls,
  totalOf,
} from "../process/open_files.ts";
import { logWarnings, Reconfiguration } from "../process/reconfiguration.ts";
import { Supervisor } from "../process/supervisor.ts";
import { VERSION } from "../version.ts";
import { type ReadFiles, readFiles } from "./configuration.ts";

/** How long committing and leaving the groups may take, after the calls. */
const LEAVE_MS = 3000;

/** How long to wait for a reader of the last log lines. */
const FLUSH_MS = 1000;

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

const STOP_SIGNALS: readonly Deno.Signal[] = ["SIGTERM", "SIGINT"];

/** Runs all pipelines until they end or a signal comes; resolves with the exit code. */
export async function run(command: Command & { kind: "run" }): Promise<number> {
  const files = await readFiles(command.files);
  if (files === null) return EXIT_CODE.misuse;
  const writer = new LogWriter(
    command.logFormat ?? files.config.logFormat,
    (bytes) => Deno.stderr.write(bytes),
  );
  try {
    return await supervise(files, (record) => writer.log(record));
  } finally {
    await writer.flush(FLUSH_MS);
  }
}

async function supervise(files: ReadFiles, sink: LogSink): Promise<number> {
  const { config } = files;
  const log = new Logger(sink, { level: "INFO" });
  logWarnings(config.warnings, sink);
  warnOfProxies(log);
  log.info(`eventor ${VERSION} starts ${config.pipelines.length} pipeline(s)`);
  const supervisor = new Supervisor(config, {
    log: sink,
    shareOfCalls: fitToOpenFiles(config, log),
  });
  const exitCode = Promise.withResolvers<number>();
  let stopping = false;

  function stop(signal: Deno.Signal): void {
    if (stopping) {
      log.warn(`second signal (${signal}): exiting immediately`);
      exitCode.resolve(EXIT_CODE.failed);
      return;
    }
    stopping = true;
    log.info(`${signal}: finishing events in flight`);
    supervisor.stop();
    setTimeout(() => {
      log.warn("shutdown takes too long: exiting; unfinished events will be handled again");
      exitCode.resolve(EXIT_CODE.stopped);
    }, config.shutdownTimeoutMs + LEAVE_MS);
  }

  if (config.admin !== undefined) {
    try {
      startAdmin(config.admin, supervisor, log);
    } catch (error) {
      log.error(error instanceof Error ? error.message : String(error));
      return EXIT_CODE.failed;
    }
    const { hostname, port } = config.admin;
    log.info(`admin: http://${hostname}:${port}/livez and /readyz`);
  }
  for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, () => stop(signal));
  using _ = new Reconfiguration(files, { target: supervisor, log: sink });
  supervisor.run().then((end) =>
    exitCode.resolve(end === "ended" ? EXIT_CODE.stopped : EXIT_CODE.failed)
  );
  return await exitCode.promise;
}

/** The part of their concurrency that pipelines may use; logs a warning when it is not all. */
function fitToOpenFiles(config: Config, log: Logger): number {
  const needed = neededFiles(config);
  const room = roomForFiles(totalOf(needed));
  const warning = openFilesWarning(needed, room);
  if (warning !== null) log.warn(warning);
  return shareOfCalls(needed, room);
}

function warnOfProxies(log: Logger): void {
  for (const name of PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()])) {
    if (Deno.env.get(name) === undefined) continue;
    log.warn(`${name} is ignored: eventor connects to brokers and endpoints directly`);
  }
}
