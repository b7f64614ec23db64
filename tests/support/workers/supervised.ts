import { type Config, type PipelineConfig, pipelineSchema } from "../../../src/config/schema.ts";
import type { PipelineEnd } from "../../../src/process/supervised_pipeline.ts";
import { type PipelineReadiness, Supervisor } from "../../../src/process/supervisor.ts";
import { testBroker } from "../kafka/broker.ts";
import { RecordedLog } from "../recorded_log.ts";

/** A pipeline from a topic of the test broker to an endpoint, and to a topic if `results` names one. */
export function aPipeline(
  {
    name = "orders",
    topic,
    group = topic,
    url,
    results,
    broker = testBroker(),
    resultBroker = broker,
    keys = {},
  }: {
    name?: string;
    topic: string;
    group?: string;
    url: string;
    results?: string;
    broker?: string;
    /** The broker of `results`, when that is another one. */
    resultBroker?: string;
    /** Further keys of `consumerConfig`. */
    keys?: Record<string, unknown>;
  },
): PipelineConfig {
  const servers = { "bootstrap.servers": broker };
  return pipelineSchema.parse({
    name,
    logLevel: "DEBUG",
    eventListener: {
      type: "kafka",
      topic,
      consumerConfig: {
        ...servers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        ...keys,
      },
    },
    eventHandler: { type: "http", url, timeout: "20s" },
    ...(results === undefined ? {} : {
      eventResultProcessor: {
        type: "kafka",
        topic: results,
        when: "onSuccess",
        producerConfig: { "bootstrap.servers": resultBroker },
      },
    }),
  });
}

/** What a file of these pipelines would be. */
export function aConfig(
  pipelines: readonly PipelineConfig[],
  { shutdownTimeoutMs = 5000 }: { shutdownTimeoutMs?: number } = {},
): Config {
  return { logFormat: "text", shutdownTimeoutMs, pipelines, warnings: [], secrets: [] };
}

/** Running pipelines, which are stopped with their scope. */
export class Supervised implements AsyncDisposable {
  readonly log = new RecordedLog();
  readonly end: Promise<PipelineEnd>;
  readonly #supervisor: Supervisor;

  constructor(
    pipelines: readonly PipelineConfig[],
    { shutdownTimeoutMs, ...options }: {
      shutdownTimeoutMs?: number;
      workerUrl?: URL;
      maxMissedSigns?: number;
    } = {},
  ) {
    const config = aConfig(
      pipelines,
      shutdownTimeoutMs === undefined ? {} : { shutdownTimeoutMs },
    );
    this.#supervisor = new Supervisor(config, { log: this.log.sink, ...options });
    this.end = this.#supervisor.run();
  }

  get readiness(): readonly PipelineReadiness[] {
    return this.#supervisor.readiness;
  }

  get isLive(): boolean {
    return this.#supervisor.isLive;
  }

  change(pipeline: PipelineConfig, how: "update" | "restart"): boolean {
    return this.#supervisor.change(pipeline, how);
  }

  stop(): void {
    this.#supervisor.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.end;
  }
}
