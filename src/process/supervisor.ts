import { cyclesOf, describeDiscoveredCycle, flowOf, type PipelineFlow } from "../config/cycles.ts";
import type { Config, PipelineConfig } from "../config/schema.ts";
import type { LogSink } from "../core/log.ts";
import type { Discovery } from "../core/transport.ts";
import { type PipelineEnd, SupervisedPipeline } from "./supervised_pipeline.ts";

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
  readonly #pipelines: readonly SupervisedPipeline[];
  /** Sources and destinations of pipelines that run, or wait to restart. */
  readonly #flows = new Map<string, PipelineFlow>();

  /**
   * @param workerUrl module of the Workers
   * @param maxMissedSigns missed heartbeats in a row after which a Worker counts as hung
   * @param shareOfCalls the part of their concurrency that pipelines may use
   */
  constructor(
    config: Config,
    {
      log,
      workerUrl = new URL("./pipeline_worker.ts", import.meta.url),
      maxMissedSigns,
      shareOfCalls = 1,
    }: { log: LogSink; workerUrl?: URL; maxMissedSigns?: number; shareOfCalls?: number },
  ) {
    this.#pipelines = config.pipelines.map((pipeline) =>
      new SupervisedPipeline(pipeline, {
        shutdownTimeoutMs: config.shutdownTimeoutMs,
        readyAfterMs: config.admin?.readyAfterMs ?? 0,
        log,
        workerUrl,
        maxMissedSigns,
        shareOfCalls,
        reasonsToRefuse: (pipeline, discoveries) => this.#reasonsToRefuse(pipeline, discoveries),
      })
    );
  }

  /**
   * Resolves when all pipelines have ended: `ended` after {@linkcode stop} or the end of their inputs, `failed` when at
   * least one ended for good by itself. With `hung`, others may still run: the process must exit.
   */
  async run(): Promise<PipelineEnd> {
    const hung = Promise.withResolvers<PipelineEnd>();
    const all = Promise.all(this.#pipelines.map(async (pipeline) => {
      const end = await pipeline.run();
      if (end === "hung") hung.resolve(end);
      return end;
    }));
    return await Promise.race([
      hung.promise,
      all.then((ends) => ends.includes("failed") ? "failed" : "ended"),
    ]);
  }

  /** Drains every pipeline; aborts what still runs after the configuration's `shutdownTimeout`. */
  stop(): void {
    for (const pipeline of this.#pipelines) pipeline.stop();
  }

  /**
   * Switches a pipeline to another configuration. `update`: the handler takes it while work goes on. `restart`: the
   * pipeline drains and restarts at once. A pipeline that waits to restart does so at once. Returns false if it has
   * ended for good.
   */
  change(config: PipelineConfig, how: "update" | "restart"): boolean {
    const pipeline = this.#pipelines.find(({ name }) => name === config.name);
    return pipeline?.change(config, how) ?? false;
  }

  /** Whether all Workers send heartbeats. */
  get isLive(): boolean {
    return this.#pipelines.every(({ isLive }) => isLive);
  }

  /** In the configuration's order. */
  get readiness(): readonly PipelineReadiness[] {
    return this.#pipelines.map(({ name, notReady }) => ({ name, reasons: notReady }));
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
