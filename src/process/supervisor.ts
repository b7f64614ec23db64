import { backoffDelays, formatDelay, sleep } from "../core/backoff.ts";
import { circlesOf, describeFoundCircle, type PipelinePlaces, placesOf } from "./circles.ts";
import type { Config, PipelineConfig } from "../config/schema.ts";
import { Logger, type LogSink } from "../core/log.ts";
import { pipelinePermissions } from "./sandbox.ts";
import { discover, PipelineWorker, type WorkerEnd } from "./supervised_worker.ts";
import type { OtherSide } from "../core/transport.ts";
import { failedReport, pauseAfter } from "./worker_failures.ts";
import { listenerRole } from "../transports/mod.ts";

/** A pipeline that ran for so long starts again without the delays that earlier failures had built up. */
const STEADY_AFTER_MS = 60_000;

/** How the pipelines came to their end. */
export type SupervisorEnd = "ended" | "failed" | "hung";

/** How an attempt to run a pipeline came to its end. */
type RunEnd =
  | WorkerEnd
  /** It was not started, and must not be; one reason for each section that is at fault. */
  | { readonly kind: "refused"; readonly reasons: readonly string[] };

/** Whether a pipeline does its work. */
export interface PipelineReadiness {
  readonly name: string;
  /** Why it is not ready; none when it is. */
  readonly reasons: readonly string[];
}

/**
 * Runs every pipeline of a configuration in a Worker of its own. An error in one never ends another.
 *
 * A pipeline by which events would go round for ever is not started. That is looked for each time before it starts, when
 * its other sides have told what it reads and writes, among the pipelines of which this is known by then. So of a ring
 * the last one to be asked is refused, for good; whichever that is, the ring is broken, and the others of it run: they
 * are neither stopped nor kept from starting again.
 */
export class Supervisor {
  readonly #config: Config;
  readonly #log: LogSink;
  readonly #workerUrl: URL;
  readonly #maxMissedSigns: number | undefined;
  readonly #shareOfCalls: number;
  readonly #stopping = new AbortController();
  readonly #workers = new Map<string, PipelineWorker>();
  /** Configurations that pipelines have gone over to. */
  readonly #changed = new Map<string, PipelineConfig>();
  /** Abort when pipelines are to begin anew; of those that have not ended for good. */
  readonly #renewals = new Map<string, AbortController>();
  /** Of pipelines without a Worker, why they are not ready; nothing when their input has ended: they are done. */
  readonly #idle = new Map<string, readonly string[]>();
  /** Of the pipelines that run, or have run and start again. */
  readonly #places = new Map<string, PipelinePlaces>();
  readonly #hung = Promise.withResolvers<SupervisorEnd>();

  /**
   * @param workerUrl the module of the Workers
   * @param maxMissedSigns how many signs of life in a row a Worker may miss before it counts as hung
   * @param shareOfCalls which part of their concurrency the pipelines can have
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
   * Resolves when all pipelines have ended: because {@linkcode stop} was called or their inputs ended (`ended`), or at
   * least one for good without being asked to (`failed`). With `hung` the others may still run: the process must exit.
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

  /** Lets every pipeline drain; what still runs after the configuration's `shutdownTimeout` is given up. */
  stop(): void {
    this.#stopping.abort();
    for (const worker of this.#workers.values()) worker.stop(this.#config.shutdownTimeoutMs);
  }

  /**
   * Makes a pipeline go over to another configuration. With `update`, its handler takes it while all goes on, and with
   * `restart` it drains and starts again at once. One that waits to be started again is started at once. Returns false
   * when it has ended for good.
   */
  change(pipeline: PipelineConfig, how: "update" | "restart"): boolean {
    const renewal = this.#renewals.get(pipeline.name);
    if (renewal === undefined) return false;
    this.#changed.set(pipeline.name, pipeline);
    // One that drains would get a configuration that its permissions are not made for; the next one begins with it.
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

  /** Whether all Workers answer. */
  get isLive(): boolean {
    return this.#workers.values().every(({ isLive }) => isLive);
  }

  /** Of each pipeline, in the configuration's order. */
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
        if (end.kind === "failed") log.warn(`pipeline '${name}' did not end well: ${end.reason}`);
        delays = backoffDelays();
        continue;
      }
      if (end.kind === "ended") {
        this.#idle.set(name, []);
        return "ended";
      }
      if (end.kind === "hung") {
        this.#idle.set(name, [`it hangs: ${end.reason}`]);
        log.error(`pipeline '${pipeline.name}' hangs: ${end.reason}; the process has to end`);
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
        log.warn(`pipeline '${pipeline.name}' did not end well: ${end.reason}`);
        return "ended";
      }
      if (!listenerRole(pipeline.eventListener).resumable) {
        log.error(`pipeline '${pipeline.name}' ended: ${end.reason}`);
        this.#idle.set(name, [`it has failed: ${end.reason}`]);
        return "failed";
      }
      if (performance.now() - startedAt > STEADY_AFTER_MS) delays = backoffDelays();
      this.#idle.set(name, [`it has stopped: ${end.reason}`]);
      const delayMs = pauseAfter(end, delays.next().value);
      log.error(
        `pipeline '${pipeline.name}' stopped: ${end.reason}; starting it again in ${
          formatDelay(delayMs)
        }`,
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
      const otherSides = await discover(pipeline, { log: this.#log, signal });
      if (signal.aborted) return { kind: "ended" };
      const reasons = this.#reasonsToRefuse(pipeline, otherSides);
      if (reasons.length > 0) return { kind: "refused", reasons };
      const permissions = pipelinePermissions(pipeline, otherSides.flatMap(({ hosts }) => hosts));
      const hosts = permissions.net.join(", ") || "no host";
      log.info(`pipeline '${pipeline.name}' may reach ${hosts}, and nothing else`);
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
      // Nothing had begun when it was to end.
      if (error === signal.reason) return { kind: "ended" };
      return failedReport(error);
    }
  }

  /** Remembers the pipeline's places, unless they close a circle: what does not run moves no event. */
  #reasonsToRefuse(
    pipeline: PipelineConfig,
    otherSides: readonly OtherSide[],
  ): readonly string[] {
    const places = placesOf(pipeline, otherSides);
    this.#places.delete(pipeline.name);
    const circles = circlesOf(places, [...this.#places.values()]);
    if (circles.length === 0) this.#places.set(pipeline.name, places);
    return circles.map(describeFoundCircle);
  }
}
