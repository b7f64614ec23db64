import { changedKeys } from "../config/changed_keys.ts";
import type { ConfigSnapshot, LoadedConfig } from "../config/mod.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config, ConfigWarning } from "../config/schema.ts";
import { Logger, type LogSink } from "../core/log.ts";
import { takeSnapshot } from "./config_reading.ts";
import { MAX_NAMED_FILE_BYTES, readBoundedFileAgain } from "./bounded_input.ts";
import { type FileTexts, watchFiles } from "./changed_files.ts";
import { type PipelineChange, pipelineChange } from "./pipeline_change.ts";
import type { Supervisor } from "./supervisor.ts";

export type ChangeTarget = Pick<Supervisor, "change">;

const OUTCOMES: Readonly<Record<Exclude<PipelineChange, "none">, string>> = {
  update: "new calls use the new values",
  restart: "the pipeline drains and restarts",
  impossible: "restart eventor to apply the change",
};

/**
 * Applies changes of the files that a configuration names. The configuration's own text and environment variables stay
 * as read at start.
 */
export class Reconfiguration implements Disposable {
  readonly #target: ChangeTarget;
  readonly #log: LogSink;
  readonly #processLog: Logger;
  readonly #ended = new AbortController();
  #snapshot: ConfigSnapshot;
  #current: LoadedConfig;
  #isValid = true;

  constructor(
    { snapshot, config, written }: LoadedConfig & { readonly snapshot: ConfigSnapshot },
    { target, log, intervalMs }: { target: ChangeTarget; log: LogSink; intervalMs?: number },
  ) {
    this.#target = target;
    this.#log = log;
    this.#processLog = new Logger(log, { level: "INFO" });
    this.#snapshot = snapshot;
    this.#current = { config, written };
    void watchFiles(snapshot.values.files, {
      read: (path) => readBoundedFileAgain(path, MAX_NAMED_FILE_BYTES),
      onChange: () => this.#readAgain(),
      signal: this.#ended.signal,
      intervalMs,
    });
  }

  async #readAgain(): Promise<FileTexts> {
    const { sources, values: before } = this.#snapshot;
    try {
      this.#snapshot = await takeSnapshot({ sources, before });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#processLog.warn(`cannot take over changed files, and tries again: ${reason}`);
    }
    const { result, values: { files } } = this.#snapshot;
    if (this.#ended.signal.aborted || files === before.files) return files;
    if ("problems" in result) {
      this.#isValid = false;
      this.#processLog.warn(
        `changed files are invalid; keeping the previous configuration: ${
          result.problems.map(formatProblem).join("; ")
        }`,
      );
      return files;
    }
    if (!this.#isValid) this.#processLog.info("the changed files are valid again");
    this.#isValid = true;
    this.#apply(result);
    return files;
  }

  #apply(next: LoadedConfig): void {
    const { config, written } = this.#current;
    this.#current = next;
    const known = new Set(config.warnings.map((warning) => JSON.stringify(warning)));
    logWarnings(
      next.config.warnings.filter((warning) => !known.has(JSON.stringify(warning))),
      this.#log,
    );
    if (JSON.stringify(processPart(config)) !== JSON.stringify(processPart(next.config))) {
      this.#processLog
        .warn(`settings of the process have changed: ${OUTCOMES.impossible}`);
    }
    for (const [index, pipeline] of next.config.pipelines.entries()) {
      const former = config.pipelines[index];
      if (former === undefined) continue;
      const change = pipelineChange(former, pipeline);
      if (change === "none") continue;
      const keys = changedKeys(written[index], next.written[index]);
      const { name, logLevel } = former;
      const log = new Logger(this.#log, { level: logLevel, pipeline: name });
      const isTaken = change !== "impossible" && this.#target.change(pipeline, change);
      const outcome = OUTCOMES[isTaken ? change : "impossible"];
      const message = `pipeline '${name}': ${keys.join(", ")} changed: ${outcome}`;
      if (isTaken) log.info(message);
      else log.warn(message);
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }
}

function processPart({ logFormat, shutdownTimeoutMs, admin }: Config) {
  return { logFormat, shutdownTimeoutMs, admin };
}

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
