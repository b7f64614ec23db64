import { partsOf } from "../config/parts.ts";
import type { PipelineConfig } from "../config/schema.ts";
import { AccessRefusedError } from "../core/access_refused.ts";
import { orAborted } from "../core/backoff.ts";
import type { LogSink } from "../core/log.ts";
import { hasRoomForWorker } from "./open_files.ts";
import { discoveryPermissions, workerPermissions } from "./sandbox.ts";
import type { Discovery, HandlerConfig, Permissions } from "../core/transport.ts";
import {
  ALIVE_INTERVAL_MS,
  type DiscoveryCommand,
  type DiscoveryReport,
  type FailedReport,
  type PipelineCommand,
  type PipelineReport,
} from "./worker_messages.ts";

const DISCOVERY_WORKER = new URL("./discovery_worker.ts", import.meta.url);

/** Heartbeats that a Worker may miss in a row, by default. */
const MAX_MISSED_SIGNS = 30;

/** This many seconds without a heartbeat are a hang, not a long garbage collection or a suspended process. */
const MAX_MISSED_SIGNS_OF_LIVE = 10;

/** Limit for discovery; its clients give up long before. */
const DISCOVERY_DEADLINE_MS = 60_000;

export type WorkerEnd =
  | { readonly kind: "ended" }
  | FailedReport
  /** It no longer answers. Nothing can stop its thread from outside, so the process must end. */
  | { readonly kind: "hung"; readonly reason: string };

/** A pipeline's Worker, seen from the main isolate. */
export class PipelineWorker {
  readonly #worker: Worker;
  readonly #end = Promise.withResolvers<WorkerEnd>();
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
    { permissions, log, readyAfterMs, maxMissedSigns = MAX_MISSED_SIGNS }: {
      permissions: Permissions;
      log: LogSink;
      /** How long an event may fail before the pipeline is not ready. */
      readyAfterMs: number;
      maxMissedSigns?: number | undefined;
    },
  ) {
    this.#worker = startWorker(url, pipeline.name, permissions);
    this.#worker.onmessage = ({ data }: MessageEvent<PipelineReport>) => {
      this.#missedSigns = 0;
      if (data.kind === "log") log(data.record);
      else if (data.kind === "alive") this.#notReady = data.notReady;
      else this.#end.resolve(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end.resolve({ kind: "failed", reason: event.message, isRefusal: false });
    };
    // Counts ticks, not time, so that a resumed process does not look hung.
    this.#watchdog = setInterval(() => {
      if (++this.#missedSigns <= maxMissedSigns) return;
      this.#end.resolve({ kind: "hung", reason: `no heartbeat for ${this.#silentSeconds} s` });
    }, ALIVE_INTERVAL_MS);
    this.#tell({ kind: "start", pipeline, readyAfterMs });
  }

  /** Whether it has sent a heartbeat lately. */
  get isLive(): boolean {
    return this.#missedSigns <= MAX_MISSED_SIGNS_OF_LIVE;
  }

  /** Why the pipeline is not ready: the Worker's last report, unless the Worker no longer answers. */
  get notReady(): readonly string[] {
    return this.isLive ? this.#notReady : [`no heartbeat for ${this.#silentSeconds} s`];
  }

  get #silentSeconds(): number {
    return this.#missedSigns * ALIVE_INTERVAL_MS / 1000;
  }

  /** Switches the handler to another configuration while it works. */
  update(eventHandler: HandlerConfig): void {
    this.#tell({ kind: "update", eventHandler });
  }

  /** Drains; aborts what still runs after `drainMs`. */
  stop(drainMs: number): void {
    this.#tell({ kind: "stop", drainMs });
  }

  /** Resolves with how it ended. The Worker is terminated by then, unless it hung. */
  async end(): Promise<WorkerEnd> {
    const end = await this.#end.promise;
    clearInterval(this.#watchdog);
    if (end.kind !== "hung") this.#worker.terminate();
    return end;
  }

  #tell(command: PipelineCommand): void {
    this.#worker.postMessage(command);
  }
}

interface DiscoveryOptions {
  readonly log: LogSink;
  readonly signal: AbortSignal;
  readonly workerUrl?: URL;
}

/**
 * Discovers the remote systems of a pipeline's sections, in the order of the sections. It runs in a Worker that may
 * reach only the configured hosts. Rejects when discovery fails, and with the reason of `signal` when that aborts.
 */
export async function discover(
  pipeline: PipelineConfig,
  options: DiscoveryOptions,
): Promise<readonly Discovery[]> {
  if (!partsOf(pipeline).some(({ role }) => role.discover !== undefined)) return [];
  const permissions = discoveryPermissions(pipeline);
  const answer = await ask({ pipeline, find: "discoveries" }, { ...options, permissions });
  return answer.kind === "found" ? answer.discoveries : [];
}

/** Finds what would stop a running pipeline, in a Worker with these `permissions`. */
export async function findProblems(
  pipeline: PipelineConfig,
  options: DiscoveryOptions & { readonly permissions: Permissions },
): Promise<readonly string[]> {
  const answer = await ask({ pipeline, find: "problems" }, options);
  return answer.kind === "checked" ? answer.problems : [];
}

type DiscoveryAnswer = Extract<DiscoveryReport, { kind: "found" | "checked" }>;

async function ask(
  { pipeline, find }: DiscoveryCommand,
  { log, signal, permissions, workerUrl = DISCOVERY_WORKER }: DiscoveryOptions & {
    readonly permissions: Permissions;
  },
): Promise<DiscoveryAnswer> {
  const worker = startWorker(workerUrl, `${pipeline.name} (discovery)`, permissions);
  const answer = Promise.withResolvers<DiscoveryAnswer>();
  worker.onmessage = ({ data }: MessageEvent<DiscoveryReport>) => {
    if (data.kind === "log") log(data.record);
    else if (data.kind === "failed") answer.reject(errorOf(data));
    else answer.resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    answer.reject(new Error(event.message));
  };
  const timer = setTimeout(
    () => answer.reject(new Error(`no answer within ${DISCOVERY_DEADLINE_MS / 1000} s`)),
    DISCOVERY_DEADLINE_MS,
  );
  try {
    worker.postMessage({ pipeline, find } satisfies DiscoveryCommand);
    return await orAborted(answer.promise, signal);
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

function errorOf({ reason, isRefusal }: FailedReport): Error {
  return isRefusal ? new AccessRefusedError(reason) : new Error(reason);
}

/**
 * Starts a Worker with these permissions only.
 *
 * @throws {Error} when too many files are open
 */
export function startWorker(url: URL, name: string, permissions: Permissions): Worker {
  if (!hasRoomForWorker()) {
    throw new Error(
      "too many open files and connections: raise the limit of open files (ulimit -n)",
    );
  }
  return new Worker(url, {
    type: "module",
    name,
    deno: { permissions: workerPermissions(permissions) },
  });
}
