import { backoffDelays, formatDelay, sleep } from "./backoff.ts";
import type { Config, PipelineConfig } from "./config/schema.ts";
import { Logger, type LogSink } from "./log.ts";
import { discoveryPermissions, partsOf, pipelinePermissions } from "./sandbox.ts";
import { discover, PipelineWorker, type WorkerEnd } from "./supervised_worker.ts";
import { listenerRole } from "./transports/mod.ts";

/** A pipeline that ran for so long starts again without the delays that earlier failures had built up. */
const STEADY_AFTER_MS = 60_000;

/** How the pipelines came to their end. */
export type SupervisorEnd = "ended" | "failed" | "hung";

/** Whether a pipeline does its work. */
export interface PipelineReadiness {
  readonly name: string;
  /** Why it is not ready; none when it is. */
  readonly reasons: readonly string[];
}

/** Runs every pipeline of a configuration in a Worker of its own. An error in one never ends another. */
export class Supervisor {
  readonly #config: Config;
  readonly #log: LogSink;
  readonly #workerUrl: URL;
  readonly #maxMissedSigns: number | undefined;
  readonly #stopping = new AbortController();
  readonly #workers = new Map<string, PipelineWorker>();
  /** Why pipelines have no Worker. */
  readonly #waiting = new Map<string, string>();
  readonly #hung = Promise.withResolvers<SupervisorEnd>();

  /**
   * @param workerUrl the module of the Workers
   * @param maxMissedSigns how many signs of life in a row a Worker may miss before it counts as hung
   */
  constructor(
    config: Config,
    { log, workerUrl, maxMissedSigns }: { log: LogSink; workerUrl?: URL; maxMissedSigns?: number },
  ) {
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
    const all = Promise.all(this.#config.pipelines.map((pipeline) => this.#supervise(pipeline)));
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
    return this.#workers.get(name)?.notReady ?? [this.#waiting.get(name) ?? "it is starting"];
  }

  async #supervise(pipeline: PipelineConfig): Promise<"ended" | "failed"> {
    const log = new Logger(this.#log, { level: pipeline.logLevel, pipeline: pipeline.name });
    const stopping = this.#stopping.signal;
    let delays = backoffDelays();
    while (!stopping.aborted) {
      const startedAt = performance.now();
      const end = await this.#runOnce(pipeline, log);
      if (end.kind === "ended") return "ended";
      if (end.kind === "hung") {
        log.error(`pipeline '${pipeline.name}' hangs: ${end.reason}; the process has to end`);
        this.#hung.resolve("hung");
        return "failed";
      }
      if (stopping.aborted) {
        log.warn(`pipeline '${pipeline.name}' did not end well: ${end.reason}`);
        return "ended";
      }
      if (!listenerRole(pipeline.eventListener).resumable) {
        log.error(`pipeline '${pipeline.name}' ended: ${end.reason}`);
        return "failed";
      }
      if (performance.now() - startedAt > STEADY_AFTER_MS) delays = backoffDelays();
      this.#waiting.set(pipeline.name, `it has stopped: ${end.reason}`);
      const delayMs = delays.next().value;
      log.error(
        `pipeline '${pipeline.name}' stopped: ${end.reason}; starting it again in ${
          formatDelay(delayMs)
        }`,
      );
      await sleep(delayMs, stopping);
    }
    return "ended";
  }

  async #runOnce(pipeline: PipelineConfig, log: Logger): Promise<WorkerEnd> {
    try {
      const permissions = pipelinePermissions(pipeline, await this.#discoverHosts(pipeline));
      if (this.#stopping.signal.aborted) return { kind: "ended" };
      const hosts = permissions.net.join(", ") || "no host";
      log.info(`pipeline '${pipeline.name}' may reach ${hosts}, and nothing else`);
      const worker = new PipelineWorker(this.#workerUrl, pipeline, {
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
      return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #discoverHosts(pipeline: PipelineConfig): Promise<readonly string[]> {
    if (!partsOf(pipeline).some(({ role }) => role.discover !== undefined)) return [];
    return await discover({ pipeline, find: "hosts" }, {
      log: this.#log,
      signal: this.#stopping.signal,
      permissions: discoveryPermissions(pipeline),
    });
  }
}
