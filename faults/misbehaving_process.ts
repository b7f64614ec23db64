/**
 * Runs the program from source as `eventor -f -` does, with Workers that can be told to misbehave, and a watchdog that
 * loses its patience sooner.
 *
 * @module
 */
import { loadFiles } from "../src/commands/configuration.ts";
import { Logger } from "../src/core/log.ts";
import { LogWriter } from "../src/process/log_writer.ts";
import { Supervisor } from "../src/process/supervisor.ts";

const FLUSH_MS = 1000;

const config = await loadFiles(["-"]);
if (config === null) Deno.exit(2);
const writer = new LogWriter(config.logFormat, Deno.stderr);
const log = new Logger((record) => writer.log(record), { level: "INFO" });
const supervisor = new Supervisor(config, {
  log: (record) => writer.log(record),
  workerUrl: new URL("./misbehaving_worker.ts", import.meta.url),
  maxMissedSigns: 3,
});
Deno.addSignalListener("SIGTERM", () => supervisor.stop());
log.info(`eventor from-source starts ${config.pipelines.length} pipeline(s)`);
const end = await supervisor.run();
await writer.flush(FLUSH_MS);
Deno.exit(end === "ended" ? 0 : 1);
