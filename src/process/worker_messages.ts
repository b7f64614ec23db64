import type { LogRecord } from "../core/log.ts";
import type { ConfigSource } from "../config/file.ts";
import type { RecordedValues } from "../config/external_values.ts";
import type { PipelineConfig } from "../config/schema.ts";
import type { DeadLetterFilter } from "../core/redrive/selection.ts";
import type { RedriveCounts } from "../core/redrive/redrive.ts";
import type { HandlerConfig, ReadProgress } from "../core/transport.ts";

/** Reports of every Worker. All messages are plain data: an Error would lose its fields. */
export type WorkerReport<Result, Progress> =
  | { readonly kind: "log"; readonly record: LogRecord }
  | { readonly kind: "progress"; readonly progress: Progress }
  | WorkerEnd<Result>;

/** Last message of a Worker. */
export type WorkerEnd<Result> = { readonly kind: "ended"; readonly result: Result } | FailedReport;

/** Last message of a Worker that cannot go on. */
export interface FailedReport {
  readonly kind: "failed";
  readonly reason: string;
  /** Whether access was refused: an immediate retry is useless. */
  readonly isRefusal: boolean;
}

/** Drain, and give up what still runs after `drainMs`. */
interface StopCommand {
  readonly kind: "stop";
  readonly drainMs: number;
}

/** Commands to a pipeline's Worker. */
export type PipelineCommand =
  | { readonly kind: "start"; readonly pipeline: PipelineConfig; readonly readyAfterMs: number }
  /** Switch the handler to another configuration while it works. */
  | { readonly kind: "update"; readonly eventHandler: HandlerConfig }
  | StopCommand;

/** Interval of heartbeats, in milliseconds: reports of progress that say why the pipeline is not ready. */
export const ALIVE_INTERVAL_MS = 1000;

/** The only command to the Worker that reads a configuration. */
export interface ConfigCommand {
  readonly sources: readonly ConfigSource[];
  /** Values to read the sources again with: the same variables, and the current files. */
  readonly before?: RecordedValues;
}

/** The only command to a discovery Worker. */
export interface DiscoveryCommand {
  readonly pipeline: PipelineConfig;
  /**
   * `discoveries`: hosts, sources and destinations, for each section in order; `problems`: what would stop a running
   * pipeline. The result is a list of them.
   */
  readonly find: "discoveries" | "problems";
}

/** Commands to a redrive's Worker. */
export type RedriveCommand =
  | {
    readonly kind: "start";
    readonly pipeline: PipelineConfig;
    readonly selection: RedriveSelection;
    /** What there is to read, if an earlier Worker of the same redrive has found it. */
    readonly range: string | undefined;
  }
  | StopCommand;

/** Selects the dead letters to redrive. */
export interface RedriveSelection {
  readonly filter?: DeadLetterFilter | undefined;
  readonly limit?: number | undefined;
  /** Whether they are only listed. */
  readonly dryRun: boolean;
}

/** Progress of a redrive, sent every {@linkcode PROGRESS_INTERVAL_MS}, and before the last message. */
export interface RedriveProgress {
  readonly counts: RedriveCounts;
  readonly reading: ReadProgress;
}

/** Null when it is done or was stopped; otherwise says why a dead letter can never be redriven. */
export type RedriveResult = string | null;

/** Interval of progress reports, in milliseconds. */
export const PROGRESS_INTERVAL_MS = 250;

/** The only command to a trial's Worker. The Worker prints the outcome; its result is whether the event is done. */
export interface TryCommand {
  readonly pipeline: PipelineConfig;
  readonly event: TryEvent;
  /** Texts to redact in its output. */
  readonly secrets: readonly string[];
}

/** The event's key and headers; its value comes from standard input. */
export interface TryEvent {
  readonly key?: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
}
