import { backoffDelays, formatDelay, sleep } from "../core/backoff.ts";
import type { PipelineConfig } from "../config/schema.ts";
import { Logger, type LogSink } from "../core/log.ts";
import type { RedriveCounts } from "../core/redrive/redrive.ts";
import { redrivePermissions, workerPermissions } from "./sandbox.ts";
import { discover } from "./discovery.ts";
import { SandboxedWorker } from "./sandboxed_worker.ts";
import { failedReport, pauseAfter } from "./worker_failures.ts";
import type {
  RedriveCommand,
  RedriveProgress,
  RedriveResult,
  RedriveSelection,
  WorkerEnd,
} from "./worker_messages.ts";

const REDRIVE_WORKER = new URL("./redrive_worker.ts", import.meta.url);

/**
 * Redrives a pipeline's dead letters in a Worker that may connect only to the dead-letter topic and the events' source.
 * After a failure, another Worker goes on after a pause, to where the dead letters ended at first; a dry run ends
 * instead.
 */
export class RedriveSupervisor {
  readonly #pipeline: PipelineConfig;
  readonly #selection: RedriveSelection;
  readonly #log: LogSink;
  readonly #workerUrl: URL;
  readonly #stopping = new AbortController();
  #worker: SandboxedWorker<RedriveCommand, RedriveResult, RedriveProgress> | null = null;
  #progress: RedriveProgress | null = null;

  /** @param workerUrl the module of the Workers */
  constructor(
    pipeline: PipelineConfig,
    { selection, log, workerUrl = REDRIVE_WORKER }: {
      selection: RedriveSelection;
      log: LogSink;
      workerUrl?: URL;
    },
  ) {
    this.#pipeline = forRedrive(pipeline);
    this.#selection = selection;
    this.#log = log;
    this.#workerUrl = workerUrl;
  }

  /** Progress; null until the extent of the dead letters is known. */
  get progress(): RedriveProgress | null {
    return this.#progress;
  }

  /**
   * Resolves with null when nothing is left to redrive, or after `stop()`. Otherwise says why a dead letter can never be
   * redriven, or why a dry run failed.
   */
  async run(): Promise<RedriveResult> {
    const { name, logLevel } = this.#pipeline;
    const log = new Logger(this.#log, { level: logLevel, pipeline: name });
    const stopping = this.#stopping.signal;
    const delays = backoffDelays();
    while (!stopping.aborted) {
      const end = await this.#runOnce();
      if (end.kind === "ended") return end.result;
      if (stopping.aborted) {
        log.warn(`the redrive of '${name}' ended with an error: ${end.reason}`);
        break;
      }
      // A dry run stores no position: another Worker would list everything again.
      if (this.#selection.dryRun) return end.reason;
      const delayMs = pauseAfter(end, delays.next().value);
      log.error(
        `the redrive of '${name}' stopped: ${end.reason}; continuing in ${formatDelay(delayMs)}`,
      );
      await sleep(delayMs, stopping);
    }
    return null;
  }

  /** Lets work in progress finish; aborts what still runs after `drainMs`. */
  stop(drainMs: number): void {
    this.#stopping.abort();
    this.#worker?.send({ kind: "stop", drainMs });
  }

  async #runOnce(): Promise<WorkerEnd<RedriveResult>> {
    const pipeline = this.#pipeline;
    const { limit } = this.#selection;
    const log = this.#log;
    const signal = this.#stopping.signal;
    const before = this.#progress;
    try {
      const discoveries = await discover(pipeline, { log, signal });
      signal.throwIfAborted();
      using worker = new SandboxedWorker<RedriveCommand, RedriveResult, RedriveProgress>(
        this.#workerUrl,
        {
          name: `${pipeline.name} (redrive)`,
          permissions: workerPermissions(redrivePermissions(pipeline, discoveries)),
          log,
          onProgress: (progress) =>
            this.#progress = before === null ? progress : sum(before, progress),
        },
      );
      this.#worker = worker;
      const rest = limit === undefined ? undefined : limit - (before?.counts.redriven ?? 0);
      const selection = { ...this.#selection, limit: rest };
      worker.send({ kind: "start", pipeline, selection, range: before?.reading.range });
      return await worker.end;
    } catch (error) {
      // Aborted before anything had begun.
      if (error === signal.reason) return { kind: "ended", result: null };
      return failedReport(error);
    } finally {
      this.#worker = null;
    }
  }
}

/** The progress of two successive Workers. The second one reads on in the range of the first. */
function sum(first: RedriveProgress, { counts, reading }: RedriveProgress): RedriveProgress {
  const sums = Object.entries(first.counts)
    .map(([name, count]) => [name, count + counts[name as keyof RedriveCounts]]);
  return { counts: Object.fromEntries(sums), reading };
}

/** Drops what a redrive does not need; its progress replaces INFO lines. */
function forRedrive(pipeline: PipelineConfig): PipelineConfig {
  return { ...pipeline, eventResultProcessor: [], logLevel: "WARN" };
}
