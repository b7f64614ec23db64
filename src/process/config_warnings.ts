import type { ConfigWarning } from "../config/schema.ts";
import { Logger, type LogSink } from "../core/log.ts";

/** Logs what a configuration may contain, but probably does not mean. */
export function logWarnings(warnings: readonly ConfigWarning[], sink: LogSink): void {
  for (const { pipeline, message } of warnings) {
    const log = new Logger(sink, {
      level: "WARN",
      ...(pipeline === undefined ? {} : { pipeline }),
    });
    log.warn(pipeline === undefined ? message : `pipeline '${pipeline}': ${message}`);
  }
}
