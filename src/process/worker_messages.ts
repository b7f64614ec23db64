import type { LogRecord } from "../core/log.ts";
import type { PipelineConfig } from "../config/schema.ts";
import type { DeadLetterFilter } from "../core/redrive/selection.ts";
import type { RedriveCounts } from "../core/redrive/redrive.ts";
import type { Discovery, HandlerConfig, ReadProgress } from "../core/transport.ts";

/** Commands to a pipeline's Worker. All messages are plain data: an Error would lose its fields. */
export type PipelineCommand =
  | { readonly kind: "start"; readonly pipeline: PipelineConfig; readonly readyAfterMs: number }
  /** Switch the handler to another configuration while it works. */
  | { readonly kind: "update"; readonly eventHandler: HandlerConfig }
  /** Drain, and give up what still runs after `drainMs`. */
  | { readonly kind: "stop"; readonly drainMs: number };

/** Last message of a Worker that cannot go on. */
export interface FailedReport {
  readonly kind: "failed";
  readonly reason: string;
  /** Whether access was refused: an immediate retry is useless. */
  readonly isRefusal: boolean;
}

/** Reports of a pipeline's Worker. */
export type PipelineReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /**
   * Heartbeat, sent every {@linkcode ALIVE_INTERVAL_MS} while the event loop runs; says why the pipeline is not ready.
   */
  | { readonly kind: "alive"; readonly notReady: readonly string[] }
  /** Last message of a Worker that ended on command, or with its input. */
  | { readonly kind: "ended" }
  | FailedReport;

/** Interval of heartbeats, in milliseconds. */
export const ALIVE_INTERVAL_MS = 1000;

/** The only command to a discovery Worker. */
export interface DiscoveryCommand {
  readonly pipeline: PipelineConfig;
  /** `discoveries`: hosts, sources and destinations; `problems`: what would stop a running pipeline. */
  readonly find: "discoveries" | "problems";
}

/** Reports of a discovery Worker: any number of `log`, then one of the others. */
export type DiscoveryReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /** One for each section of the pipeline, in order. */
  | { readonly kind: "found"; readonly discoveries: readonly Discovery[] }
  | { readonly kind: "checked"; readonly problems: readonly string[] }
  | FailedReport;

/** Commands to a redrive's Worker. */
export type RedriveCommand =
  | {
    readonly kind: "start";
    readonly pipeline: PipelineConfig;
    readonly selection: RedriveSelection;
    /** What there is to read, if an earlier Worker of the same redrive has found it. */
    readonly range: string | undefined;
  }
  /** Drain, and give up what still runs after `drainMs`. */
  | { readonly kind: "stop"; readonly drainMs: number };

/** Selects the dead letters to redrive. */
export interface RedriveSelection {
  readonly filter?: DeadLetterFilter | undefined;
  readonly limit?: number | undefined;
  /** Whether they are only listed. */
  readonly dryRun: boolean;
}

/** Progress of a redrive. */
export interface RedriveProgress {
  readonly counts: RedriveCounts;
  readonly reading: ReadProgress;
}

/** Reports of a redrive's Worker. */
export type RedriveReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /** Sent every {@linkcode PROGRESS_INTERVAL_MS}, and before the last message. */
  | { readonly kind: "progress"; readonly progress: RedriveProgress }
  /** Last message of a Worker that is done or was stopped; `refusal` says why a dead letter can never be redriven. */
  | { readonly kind: "ended"; readonly refusal: string | null }
  | FailedReport;

/** Interval of progress reports, in milliseconds. */
export const PROGRESS_INTERVAL_MS = 250;

/** The only command to a trial's Worker. */
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

/** Reports of a trial's Worker, which prints the outcome itself. */
export type TryReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /** Whether this one call would settle the event with a result. */
  | { readonly kind: "ended"; readonly isDone: boolean }
  | { readonly kind: "failed"; readonly reason: string };
