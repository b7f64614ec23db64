import type { LogRecord } from "../core/log.ts";
import type { PipelineConfig } from "../config/schema.ts";
import type { DeadLetterFilter } from "../core/redrive/dead_letter_filter.ts";
import type { RedriveCounts } from "../core/redrive/redrive.ts";
import type { HandlerConfig, Offsets, OtherSide } from "../core/transport.ts";

/** What the main isolate tells a pipeline's Worker. All messages are plain data: an Error would lose its fields. */
export type PipelineCommand =
  | { readonly kind: "start"; readonly pipeline: PipelineConfig; readonly readyAfterMs: number }
  /** Go over to another configuration of the handler, which it can take while it works. */
  | { readonly kind: "update"; readonly eventHandler: HandlerConfig }
  /** Drain, and give up what still runs after `drainMs`. */
  | { readonly kind: "stop"; readonly drainMs: number };

/** The last message of a Worker that cannot go on. */
export interface FailedReport {
  readonly kind: "failed";
  readonly reason: string;
  /** Whether the other side refuses access: to try again at once would be in vain. */
  readonly isRefusal: boolean;
}

/** What a pipeline's Worker tells the main isolate. */
export type PipelineReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /** Sent every {@linkcode ALIVE_INTERVAL_MS} while the event loop turns, with what keeps the pipeline from being ready. */
  | { readonly kind: "alive"; readonly notReady: readonly string[] }
  /** The last message of a Worker that ended because it was told to, or because its input ended. */
  | { readonly kind: "ended" }
  | FailedReport;

/** How often a Worker says that it is alive, in milliseconds. */
export const ALIVE_INTERVAL_MS = 1000;

/** The one message to a discovery Worker: what to find out about a pipeline's other sides. */
export interface DiscoveryCommand {
  readonly pipeline: PipelineConfig;
  /** `otherSides`: what they tell of themselves; `problems`: what a running pipeline would stumble over. */
  readonly find: "otherSides" | "problems";
}

/** What a discovery Worker tells the main isolate; `log` any number of times, then one of the others. */
export type DiscoveryReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /** One for each part of the pipeline, in the order of its parts. */
  | { readonly kind: "found"; readonly otherSides: readonly OtherSide[] }
  | { readonly kind: "checked"; readonly problems: readonly string[] }
  | FailedReport;

/** What a redrive's Worker is told. */
export type RedriveCommand =
  | {
    readonly kind: "start";
    readonly pipeline: PipelineConfig;
    readonly selection: RedriveSelection;
    /** Where the dead letters end, when it is known from an earlier Worker of the same redrive. */
    readonly ends: Offsets | undefined;
  }
  /** Drain, and give up what still runs after `drainMs`. */
  | { readonly kind: "stop"; readonly drainMs: number };

/** Which dead letters are put back. */
export interface RedriveSelection {
  readonly filter?: DeadLetterFilter | undefined;
  readonly limit?: number | undefined;
  /** Whether they are only listed. */
  readonly dryRun: boolean;
}

/** How far a redrive has got. */
export interface RedriveProgress {
  readonly counts: RedriveCounts;
  readonly starts: Offsets;
  readonly ends: Offsets;
  /** Where the next redrive begins. */
  readonly positions: Offsets;
}

/** What a redrive's Worker tells the main isolate. */
export type RedriveReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /** Sent every {@linkcode PROGRESS_INTERVAL_MS}, and before the last message. */
  | { readonly kind: "progress"; readonly progress: RedriveProgress }
  /** The last message of a Worker that has come to the end, or to what it was told; or to what can never be put back. */
  | { readonly kind: "ended"; readonly refusal: string | null }
  | FailedReport;

/** How often a redrive tells how far it has got, in milliseconds. */
export const PROGRESS_INTERVAL_MS = 250;

/** The one message to the Worker of a trial: what to call with what standard input gives. */
export interface TryCommand {
  readonly pipeline: PipelineConfig;
  readonly event: TryEvent;
  /** Texts that its output may not show. */
  readonly secrets: readonly string[];
}

/** What is said of the event, whose value comes from standard input. */
export interface TryEvent {
  readonly key?: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What the Worker of a trial tells the main isolate; it prints what it finds itself. */
export type TryReport =
  | { readonly kind: "log"; readonly record: LogRecord }
  /** Whether the event would be done with after this one call, by a result. */
  | { readonly kind: "ended"; readonly isDone: boolean }
  | { readonly kind: "failed"; readonly reason: string };
