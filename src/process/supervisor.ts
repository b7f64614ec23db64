import { backoffDelays, formatDelay, sleep } from "../core/backoff.ts";
import { cyclesOf, describeDiscoveredCycle, flowOf, type PipelineFlow } from "../config/cycles.ts";
import type { Config, PipelineConfig } from "../config/schema.ts";
import { Logger, type LogSink } from "../core/log.ts";
import { pipelinePermissions } from "./sandbox.ts";
import { discover, PipelineWorker, type WorkerEnd } from "./supervised_worker.ts";
import type { Discovery } from "../core/transport.ts";
import { failedReport, pauseAfter } from "./worker_failures.ts";
import { listenerRole } from "../transports/mod.ts";

/** After running this long, a pipeline restarts without the delays of earlier failures. */
const STEADY_AFTER_MS = 60_000;

/** How all pipelines ended. */
export type SupervisorEnd = "ended" | "failed" | "hung";

type RunEnd =
  | WorkerEnd
  /** It must not start; one reason for each section at fault. */
  | { readonly kind: "refused"; readonly reasons: readonly string[] };

export interface PipelineReadiness {
  readonly name: string;
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly string[];
}

/**
 * Runs every pipeline of a configuration in a Worker of its own. An error in one never ends another.
 *
 * A pipeline that would close a cycle is not started. This is checked before each start, when discovery has found what
 * the pipeline reads and writes, against the pipelines known by then. So the last pipeline of a cycle to be discovered
 * is refused, for good. That breaks the cycle: its other pipelines run on and may restart.
 */
export class Supervisor {
  readonly #config: Config;
  readonly #log: LogSink;
  readonly #workerUrl: URL;
  readonly #maxMissedSigns: number | undefined;
  readonly #shareOfCalls: number;
  readonly #stopping = new AbortController();
  readonly #workers = new Map<string, PipelineWorker>();
  /** Configurations that replaced those read at start. */
  readonly #changed = new Map<string, PipelineConfig>();
  /** Abort to restart a pipeline; only for pipelines that have not ended for good. */
  readonly #renewals = new Map<string, AbortController>();
  /** Why pipelines without a Worker are not ready; empty when their input has ended, as they are done. */
  readonly #idle = new Map<string, readonly string[]>();
  /** Sources and destinations of pipelines that run, or wait to restart. */
  readonly #flows = new Map<string, PipelineFlow>();
  readonly #hung = Promise.withResolvers<SupervisorEnd>();

  /**
   * @param workerUrl module of the Workers
   * @param maxMissedSigns missed heartbeats in a row after which a Worker counts as hung
   * @param shareOfCalls the part of their concurrency that pipelines may use
   */
  constructor(
    config: Config,
    { log, workerUrl, maxMissedSigns, shareOfCalls = 1 }: {
      log: LogSink;
      workerUrl?: URL;
      maxMissedSigns?: number;
      shareOfCalls?: number;
    },
  ) {
    this.#shareOfCalls = shareOfCalls;
    this.#maxMissedSigns = maxMissedSigns;
    this.#config = config;
    this.#log = log;
    this.#workerUrl = workerUrl ?? new URL("./pipeline_worker.ts", import.meta.url);
  }

  /**
   * Resolves when all pipelines have ended: `ended` after {@linkcode stop} or the end of their inputs, `failed` when at
   * least one ended for good by itself. With `hung`, others may still run: the process must exit.
   */
  async run(): Promise<SupervisorEnd> {
    const all = Promise.all(
      this.#config.pipelines.map(({ name }) =>
        this.#supervise(name).finally(() => this.#renewals.delete(name))
      ),
    );
    return await Promise.race([
      all.then((ends) => ends.includes("failed") ? "failed" as const : "ended" as const),
      this.#hung.promise,
    ]);
  }

  /** Drains every pipeline; aborts what still runs after the configuration's `shutdownTimeout`. */
  stop(): void {
    this.#stopping.abort();
    for (const worker of this.#workers.values()) worker.stop(this.#config.shutdownTimeoutMs);
  }

  /**
   * Switches a pipeline to another configuration. `update`: the handler takes it while work goes on. `restart`: the
   * pipeline drains and restarts at once. A pipeline that waits to restart does so at once. Returns false if it has
   * ended for good.
   */
  change(pipeline: PipelineConfig, how: "update" | "restart"): boolean {
    const renewal = this.#renewals.get(pipeline.name);
    if (renewal === undefined) return false;
    this.#changed.set(pipeline.name, pipeline);
    // A draining Worker may lack the permissions for the new configuration; its successor starts with it.
    if (renewal.signal.aborted) return true;
    const worker = this.#workers.get(pipeline.name);
    if (how === "update" && worker !== undefined) {
      worker.update(pipeline.eventHandler);
    } else {
      this.#idle.delete(pipeline.name);
      renewal.abort();
      worker?.stop(this.#config.shutdownTimeoutMs);
    }
    return true;
  }

  /** Whether all Workers send heartbeats. */
  get isLive(): boolean {
    return this.#workers.values().every(({ isLive }) => isLive);
  }

  /** In the configuration's order. */
  get readiness(): readonly PipelineReadiness[] {
    return this.#config.pipelines.map(({ name }) => ({ name, reasons: this.#reasons(name) }));
  }

  #reasons(name: string): readonly string[] {
    if (this.#stopping.signal.aborted) return ["it is being stopped"];
    return this.#workers.get(name)?.notReady ?? this.#idle.get(name) ?? ["it is starting"];
  }

  async #supervise(name: string): Promise<"ended" | "failed"> {
    const stopping = this.#stopping.signal;
    let delays = backoffDelays();
    while (!stopping.aborted) {
      const pipeline = this.#pipeline(name);
      const log = new Logger(this.#log, { level: pipeline.logLevel, pipeline: name });
      const renewal = new AbortController();
      this.#renewals.set(name, renewal);
      const signal = AbortSignal.any([stopping, renewal.signal]);
      const startedAt = performance.now();
      const end = await this.#runOnce(pipeline, { log, signal });
      const isRenewed = renewal.signal.aborted && !stopping.aborted;
      if (isRenewed && (end.kind === "ended" || end.kind === "failed")) {
        if (end.kind === "failed") {
          log.warn(`pipeline '${name}' stopped with an error: ${end.reason}`);
        }
        delays = backoffDelays();
        continue;
      }
      if (end.kind === "ended") {
        this.#idle.set(name, []);
        return "ended";
      }
      if (end.kind === "hung") {
        this.#idle.set(name, [`it hangs: ${end.reason}`]);
        log.error(
          `pipeline '${pipeline.name}' hangs: ${end.reason}; eventor exits, since nothing else can stop it`,
        );
        this.#hung.resolve("hung");
        return "failed";
      }
      if (end.kind === "refused") {
        for (const reason of end.reasons) {
          log.error(`pipeline '${pipeline.name}' is not started: ${reason}`);
        }
        this.#idle.set(name, [`it is not started: ${end.reasons.join("; ")}`]);
        return "failed";
      }
      if (stopping.aborted) {
        log.warn(`pipeline '${pipeline.name}' stopped with an error: ${end.reason}`);
        return "ended";
      }
      if (!listenerRole(pipeline.eventListener).promises.resumable) {
        log.error(`pipeline '${pipeline.name}' failed: ${end.reason}`);
        this.#idle.set(name, [`it has failed: ${end.reason}`]);
        return "failed";
      }
      if (performance.now() - startedAt > STEADY_AFTER_MS) delays = backoffDelays();
      this.#idle.set(name, [`it has stopped: ${end.reason}`]);
      const delayMs = pauseAfter(end, delays.next().value);
      log.error(
        `pipeline '${pipeline.name}' stopped: ${end.reason}; restarting in ${formatDelay(delayMs)}`,
      );
      await sleep(delayMs, signal);
    }
    return "ended";
  }

  #pipeline(name: string): PipelineConfig {
    const pipeline = this.#changed.get(name) ??
      this.#config.pipelines.find((pipeline) => pipeline.name === name);
    if (pipeline === undefined) throw new RangeError(`No pipeline is called '${name}'`);
    return pipeline;
  }

  async #runOnce(
    pipeline: PipelineConfig,
    { log, signal }: { log: Logger; signal: AbortSignal },
  ): Promise<RunEnd> {
    try {
      const discoveries = await discover(pipeline, { log: this.#log, signal });
      if (signal.aborted) return { kind: "ended" };
      const reasons = this.#reasonsToRefuse(pipeline, discoveries);
      if (reasons.length > 0) return { kind: "refused", reasons };
      const permissions = pipelinePermissions(pipeline, discoveries.flatMap(({ hosts }) => hosts));
      const hosts = permissions.net.join(", ") || "no host";
      log.info(`pipeline '${pipeline.name}' may connect to ${hosts}, and nothing else`);
      const concurrency = Math.max(1, Math.floor(pipeline.concurrency * this.#shareOfCalls));
      const worker = new PipelineWorker(this.#workerUrl, { ...pipeline, concurrency }, {
        permissions,
        log: this.#log,
        readyAfterMs: this.#config.admin?.readyAfterMs ?? 0,
        maxMissedSigns: this.#maxMissedSigns,
      });
      this.#workers.set(pipeline.name, worker);
      try {
        return await worker.end();
      } finally {
        this.#workers.delete(pipeline.name);
      }
    } catch (error) {
      // Aborted before anything had begun.
      if (error === signal.reason) return { kind: "ended" };
      return failedReport(error);
    }
  }

  /** Keeps the pipeline's sources and destinations, unless they close a cycle: then it never runs. */
  #reasonsToRefuse(
    pipeline: PipelineConfig,
    discoveries: readonly Discovery[],
  ): readonly string[] {
    const flow = flowOf(pipeline, discoveries);
    this.#flows.delete(pipeline.name);
    const cycles = cyclesOf(flow, [...this.#flows.values()]);
    if (cycles.length === 0) this.#flows.set(pipeline.name, flow);
    return cycles.map(describeDiscoveredCycle);
  }
}
