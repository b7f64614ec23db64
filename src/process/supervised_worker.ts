import type { PipelineConfig } from "../config/schema.ts";
import { AccessRefusedError } from "../core/access_refused.ts";
import type { LogSink } from "../core/log.ts";
import { hasRoomForWorker } from "./open_files.ts";
import { discoveryPermissions, partsOf, workerPermissions } from "./sandbox.ts";
import type { HandlerConfig, OtherSide, Permissions } from "../core/transport.ts";
import {
  ALIVE_INTERVAL_MS,
  type DiscoveryCommand,
  type DiscoveryReport,
  type FailedReport,
  type PipelineCommand,
  type PipelineReport,
} from "./worker_messages.ts";

const DISCOVERY_WORKER = new URL("./discovery_worker.ts", import.meta.url);

/** How many signs of life in a row a Worker may miss, unless its user says otherwise. */
const MAX_MISSED_SIGNS = 30;

/** As many seconds without a sign are a hang rather than a long collection or a suspended process. */
const MAX_MISSED_SIGNS_OF_LIVE = 10;

/** How long discovery may take; far more than its clients need to give up by themselves. */
const DISCOVERY_DEADLINE_MS = 60_000;

/** How a Worker came to its end. */
export type WorkerEnd =
  | { readonly kind: "ended" }
  | FailedReport
  /** It no longer answers. Its thread cannot be stopped from outside, so the process has to end. */
  | { readonly kind: "hung"; readonly reason: string };

/** The Worker that runs a pipeline, seen from the main isolate. */
export class PipelineWorker {
  readonly #worker: Worker;
  readonly #end = Promise.withResolvers<WorkerEnd>();
  readonly #watchdog: ReturnType<typeof setInterval>;
  #missedSigns = 0;
  #notReady: readonly string[] = ["it is starting"];

  /**
   * @param url the module of the Worker
   * @param maxMissedSigns how many signs of life in a row it may miss before it counts as hung
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
    // Ticks are counted, not time, so a suspended process wakes up well.
    this.#watchdog = setInterval(() => {
      if (++this.#missedSigns <= maxMissedSigns) return;
      this.#end.resolve({ kind: "hung", reason: `no sign of life for ${this.#silentSeconds} s` });
    }, ALIVE_INTERVAL_MS);
    this.#tell({ kind: "start", pipeline, readyAfterMs });
  }

  /** Whether it has answered lately. */
  get isLive(): boolean {
    return this.#missedSigns <= MAX_MISSED_SIGNS_OF_LIVE;
  }

  /** What keeps the pipeline from being ready: what the Worker said last, unless it does not answer any more. */
  get notReady(): readonly string[] {
    return this.isLive ? this.#notReady : [`it has not answered for ${this.#silentSeconds} s`];
  }

  get #silentSeconds(): number {
    return this.#missedSigns * ALIVE_INTERVAL_MS / 1000;
  }

  /** Makes the handler go over to another configuration, which it can take while it works. */
  update(eventHandler: HandlerConfig): void {
    this.#tell({ kind: "update", eventHandler });
  }

  /** Asks it to drain; what still runs after `drainMs` is given up. */
  stop(drainMs: number): void {
    this.#tell({ kind: "stop", drainMs });
  }

  /** Resolves with how it ended. The Worker is gone by then, except when it hung. */
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
  /** The module of the Worker. */
  readonly workerUrl?: URL;
}

/**
 * What the other sides of a pipeline's parts tell of themselves, in the order of its parts. They are asked in a Worker
 * that may reach only the hosts the configuration names. Rejects when they cannot be asked, and with the reason of
 * `signal` when it aborts.
 */
export async function discover(
  pipeline: PipelineConfig,
  options: DiscoveryOptions,
): Promise<readonly OtherSide[]> {
  if (!partsOf(pipeline).some(({ role }) => role.discover !== undefined)) return [];
  const permissions = discoveryPermissions(pipeline);
  const answer = await ask({ pipeline, find: "otherSides" }, { ...options, permissions });
  return answer.kind === "found" ? answer.otherSides : [];
}

/** What a running pipeline would stumble over, found in a Worker that may reach what `permissions` names. */
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
  const giveUp = () => answer.reject(signal.reason);
  const timer = setTimeout(
    () => answer.reject(new Error(`no answer within ${DISCOVERY_DEADLINE_MS / 1000} s`)),
    DISCOVERY_DEADLINE_MS,
  );
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    worker.postMessage({ pipeline, find } satisfies DiscoveryCommand);
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    worker.terminate();
  }
}

function errorOf({ reason, isRefusal }: FailedReport): Error {
  return isRefusal ? new AccessRefusedError(reason) : new Error(reason);
}

/**
 * Starts a Worker with these permissions and no others.
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
