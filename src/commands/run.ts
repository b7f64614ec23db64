import { startAdmin } from "../process/admin.ts";
import { type Command, EXIT_CODE } from "./command_line.ts";
import { Logger } from "../core/log.ts";
import { LogWriter } from "../process/log_writer.ts";
import { fitToOpenFiles } from "../process/open_files.ts";
import { logWarnings, Reconfiguration } from "../process/reconfiguration.ts";
import { Supervisor } from "../process/supervisor.ts";
import { VERSION } from "../version.ts";
import { readFiles } from "./configuration.ts";
import { untilForced } from "./shutdown.ts";

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/** Runs all pipelines until they end or a signal comes; resolves with the exit code. */
export async function run(command: Command & { kind: "run" }): Promise<number> {
  const files = await readFiles(command.files);
  if (files === null) return EXIT_CODE.misuse;
  const { config } = files;
  await using writer = new LogWriter(command.logFormat ?? config.logFormat, Deno.stderr);
  const sink = writer.log;
  const log = new Logger(sink, { level: "INFO" });
  logWarnings(config.warnings, sink);
  warnOfProxies(log);
  log.info(`eventor ${VERSION} starts ${config.pipelines.length} pipeline(s)`);
  const { shareOfCalls, warning } = fitToOpenFiles(config);
  if (warning !== null) log.warn(warning);
  const supervisor = new Supervisor(config, { log: sink, shareOfCalls });
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
  const forced = untilForced(config.shutdownTimeoutMs, (signal) => {
    log.info(`${signal}: finishing events in flight`);
    supervisor.stop();
  });
  using _ = new Reconfiguration(files, { target: supervisor, log: sink });
  const end = await Promise.race([supervisor.run(), forced]);
  switch (end) {
    case "ended":
      return EXIT_CODE.stopped;
    case "failed":
    case "hung":
      return EXIT_CODE.failed;
    case "late":
      log.warn("shutdown takes too long: exiting; unfinished events will be handled again");
      return EXIT_CODE.stopped;
    default:
      log.warn(`second signal (${end}): exiting immediately`);
      return EXIT_CODE.failed;
  }
}

function warnOfProxies(log: Logger): void {
  for (const name of PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()])) {
    if (Deno.env.get(name) === undefined) continue;
    log.warn(`${name} is ignored: eventor connects to brokers and endpoints directly`);
  }
}
