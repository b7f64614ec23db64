import type { PipelineConfig } from "../config/schema.ts";
import type { LogSink } from "../core/log.ts";
import type { Permissions } from "../core/transport.ts";
import { workerPermissions } from "./sandbox.ts";
import { SandboxedWorker } from "./sandboxed_worker.ts";
import { ALIVE_INTERVAL_MS, type PipelineCommand, type WorkerEnd } from "./worker_messages.ts";

/** Heartbeats that a Worker may miss in a row before it counts as hung: no garbage collection takes so long. */
const MAX_MISSED_BEFORE_HUNG = 30;

/** Heartbeats that it may miss in a row while it counts as live. */
const MAX_MISSED_WHILE_LIVE = 10;

/** A Worker that no longer answers. Nothing can stop its thread from outside, so the process must end. */
interface HungWorker {
  readonly kind: "hung";
  readonly reason: string;
}

/** A pipeline's Worker, and a watch on its heartbeats. */
export class PipelineWorker {
  readonly #worker: SandboxedWorker<PipelineCommand, null, readonly string[]>;
  readonly #hung = Promise.withResolvers<HungWorker>();
  readonly #watchdog: ReturnType<typeof setInterval>;
  #missedSigns = 0;
  #notReady: readonly string[] = ["it is starting"];

  /**
   * @param url module of the Worker
   * @param maxMissedSigns missed heartbeats in a row after which it counts as hung
   */
  constructor(
    url: URL,
    pipeline: PipelineConfig,
    { permissions, log, readyAfterMs, maxMissedSigns = MAX_MISSED_BEFORE_HUNG }: {
      permissions: Permissions;
      log: LogSink;
      /** How long an event may fail before the pipeline is not ready. */
      readyAfterMs: number;
      maxMissedSigns?: number | undefined;
    },
  ) {
    this.#worker = new SandboxedWorker(url, {
      name: pipeline.name,
      permissions: workerPermissions(permissions),
      log,
      onProgress: (notReady) => {
        this.#missedSigns = 0;
        this.#notReady = notReady;
      },
    });
    // Counts ticks, not time, so that a resumed process does not look hung.
    this.#watchdog = setInterval(() => {
      if (++this.#missedSigns <= maxMissedSigns) return;
      this.#hung.resolve({ kind: "hung", reason: `no heartbeat for ${this.#silentSeconds} s` });
    }, ALIVE_INTERVAL_MS);
    this.send({ kind: "start", pipeline, readyAfterMs });
  }

  /** Whether it has sent a heartbeat lately. */
  get isLive(): boolean {
    return this.#missedSigns <= MAX_MISSED_WHILE_LIVE;
  }

  /** Why the pipeline is not ready: the Worker's last report, unless the Worker no longer answers. */
  get notReady(): readonly string[] {
    return this.isLive ? this.#notReady : [`no heartbeat for ${this.#silentSeconds} s`];
  }

  get #silentSeconds(): number {
    return this.#missedSigns * ALIVE_INTERVAL_MS / 1000;
  }

  send(command: PipelineCommand): void {
    this.#worker.send(command);
  }

  /** Resolves with how it ended. The Worker is terminated by then, unless it hung. */
  async end(): Promise<WorkerEnd<null> | HungWorker> {
    const end = await Promise.race([this.#worker.end, this.#hung.promise]);
    clearInterval(this.#watchdog);
    if (end.kind !== "hung") this.#worker[Symbol.dispose]();
    return end;
  }
}
