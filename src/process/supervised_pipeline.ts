import type { PipelineConfig } from "../config/schema.ts";
import { backoffDelays, formatDelay, sleep } from "../core/backoff.ts";
import { Logger, type LogSink } from "../core/log.ts";
import type { Discovery } from "../core/transport.ts";
import { listenerRole } from "../transports/mod.ts";
import { discover } from "./discovery.ts";
import { pipelinePermissions } from "./sandbox.ts";
import { PipelineWorker } from "./supervised_worker.ts";
import { failedReport, pauseAfter } from "./worker_failures.ts";

/** After running this long, a pipeline restarts without the delays of earlier failures. */
const STEADY_AFTER_MS = 60_000;

/** How a pipeline ended for good. */
export type PipelineEnd = "ended" | "failed" | "hung";

/** How a Worker ended. `refused`: it was not started, with one reason for each section at fault. */
type RunEnd =
  | Awaited<ReturnType<PipelineWorker["end"]>>
  | { readonly kind: "refused"; readonly reasons: readonly string[] };

export interface SupervisedPipelineOptions {
  /** How long it may drain. */
  readonly shutdownTimeoutMs: number;
  /** How long an event may fail before the pipeline is not ready. */
  readonly readyAfterMs: number;
  readonly log: LogSink;
  /** Module of the Workers. */
  readonly workerUrl: URL;
  /** Missed heartbeats in a row after which a Worker counts as hung. */
  readonly maxMissedSigns: number | undefined;
  /** The part of its concurrency that the pipeline may use. */
  readonly shareOfCalls: number;
  /** Why the pipeline must not run with what discovery found; empty when it may. */
  readonly reasonsToRefuse: (
    pipeline: PipelineConfig,
    discoveries: readonly Discovery[],
  ) => readonly string[];
}

/** Runs one pipeline, in one Worker after the other. */
export class SupervisedPipeline {
  readonly #options: SupervisedPipelineOptions;
  readonly #stopping = new AbortController();
  #config: PipelineConfig;
  #worker: PipelineWorker | null = null;
  /** Aborted to restart the pipeline. */
  #renewal = new AbortController();
  /** Why it is not ready while it has no Worker; empty when its input has ended, as it is done. */
  #idle: readonly string[] = ["it is starting"];
  #hasEnded = false;

  constructor(config: PipelineConfig, options: SupervisedPipelineOptions) {
    this.#config = config;
    this.#options = options;
  }

  get name(): string {
    return this.#config.name;
  }

  /** Whether its Worker sends heartbeats. */
  get isLive(): boolean {
    return this.#worker?.isLive ?? true;
  }

  get notReady(): readonly string[] {
    if (this.#stopping.signal.aborted) return ["it is being stopped"];
    return this.#worker?.notReady ?? this.#idle;
  }

  /** Resolves when the pipeline has ended for good. */
  async run(): Promise<PipelineEnd> {
    try {
      return await this.#runAgainAndAgain();
    } finally {
      this.#hasEnded = true;
    }
  }

  /** Drains it; aborts what still runs after the configuration's `shutdownTimeout`. */
  stop(): void {
    this.#stopping.abort();
    this.#drain();
  }

  /** As `Supervisor.change()` says. */
  change(config: PipelineConfig, how: "update" | "restart"): boolean {
    if (this.#hasEnded) return false;
    this.#config = config;
    // A draining Worker may lack the permissions for the new configuration; its successor starts with it.
    if (this.#renewal.signal.aborted) return true;
    if (how === "update" && this.#worker !== null) {
      this.#worker.send({ kind: "update", eventHandler: config.eventHandler });
    } else {
      this.#idle = ["it is starting"];
      this.#renewal.abort();
      this.#drain();
    }
    return true;
  }

  #drain(): void {
    this.#worker?.send({ kind: "stop", drainMs: this.#options.shutdownTimeoutMs });
  }

  async #runAgainAndAgain(): Promise<PipelineEnd> {
    const stopping = this.#stopping.signal;
    let delays = backoffDelays();
    while (!stopping.aborted) {
      const pipeline = this.#config;
      const { name } = pipeline;
      const log = new Logger(this.#options.log, { level: pipeline.logLevel, pipeline: name });
      this.#renewal = new AbortController();
      const renewal = this.#renewal.signal;
      const signal = AbortSignal.any([stopping, renewal]);
      const startedAt = performance.now();
      const end = await this.#runOnce(pipeline, { log, signal });
      if (end.kind === "hung") {
        this.#idle = [`it hangs: ${end.reason}`];
        log.error(
          `pipeline '${name}' hangs: ${end.reason}; eventor exits, since nothing else can stop it`,
        );
        return "hung";
      }
      if (end.kind === "refused") {
        for (const reason of end.reasons) log.error(`pipeline '${name}' is not started: ${reason}`);
        this.#idle = [`it is not started: ${end.reasons.join("; ")}`];
        return "failed";
      }
      if (signal.aborted) {
        if (end.kind === "failed") {
          log.warn(`pipeline '${name}' stopped with an error: ${end.reason}`);
        }
        delays = backoffDelays();
        continue;
      }
      if (end.kind === "ended") {
        this.#idle = [];
        return "ended";
      }
      if (!listenerRole(pipeline.eventListener).promises.resumable) {
        log.error(`pipeline '${name}' failed: ${end.reason}`);
        this.#idle = [`it has failed: ${end.reason}`];
        return "failed";
      }
      if (performance.now() - startedAt > STEADY_AFTER_MS) delays = backoffDelays();
      this.#idle = [`it has stopped: ${end.reason}`];
      const delayMs = pauseAfter(end, delays.next().value);
      log.error(`pipeline '${name}' stopped: ${end.reason}; restarting in ${formatDelay(delayMs)}`);
      await sleep(delayMs, signal);
    }
    return "ended";
  }

  async #runOnce(
    pipeline: PipelineConfig,
    { log, signal }: { log: Logger; signal: AbortSignal },
  ): Promise<RunEnd> {
    const { log: sink, workerUrl, maxMissedSigns, shareOfCalls, readyAfterMs } = this.#options;
    try {
      const discoveries = await discover(pipeline, { log: sink, signal });
      signal.throwIfAborted();
      const reasons = this.#options.reasonsToRefuse(pipeline, discoveries);
      if (reasons.length > 0) return { kind: "refused", reasons };
      const permissions = pipelinePermissions(pipeline, discoveries);
      const hosts = permissions.net.join(", ") || "no host";
      log.info(`pipeline '${pipeline.name}' may connect to ${hosts}, and nothing else`);
      const concurrency = Math.max(1, Math.floor(pipeline.concurrency * shareOfCalls));
      this.#worker = new PipelineWorker(workerUrl, { ...pipeline, concurrency }, {
        permissions,
        log: sink,
        readyAfterMs,
        maxMissedSigns,
      });
      return await this.#worker.end();
    } catch (error) {
      // Aborted before anything had begun.
      if (error === signal.reason) return { kind: "ended", result: null };
      return failedReport(error);
    } finally {
      this.#worker = null;
    }
  }
}
