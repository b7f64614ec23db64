import { z } from "zod";
import type { When } from "../handler.ts";
import { LOG_LEVELS, type LogLevel } from "../log.ts";
import type { LogFormat } from "../log_writer.ts";
import type { Ordering } from "../ordering.ts";
import type { RoleConfig } from "../transport.ts";
import {
  HANDLER_SCHEMAS,
  LISTENER_SCHEMAS,
  RESULT_PROCESSOR_SCHEMAS,
} from "../transports/schemas.ts";
import { choice, duration, integer, size, textOf, toSchema } from "./scalar.ts";
import { oneOrList, section } from "./section.ts";

/** A valid configuration: frozen plain data that can be posted to a Worker. */
export interface Config {
  readonly logFormat: LogFormat;
  readonly shutdownTimeoutMs: number;
  readonly pipelines: readonly PipelineConfig[];
  readonly warnings: readonly ConfigWarning[];
}

/** Something that is accepted, but probably not what was meant. Holds no secret. */
export interface ConfigWarning {
  readonly pipeline?: string;
  readonly message: string;
}

/** One pipeline. Its roles read their own sections. */
export interface PipelineConfig {
  readonly name: string;
  readonly logLevel: LogLevel;
  readonly ordering: Ordering;
  readonly concurrency: number;
  readonly maxLookahead: number;
  readonly maxBufferedBytes: number;
  readonly eventListener: RoleConfig;
  readonly eventHandler: RoleConfig;
  readonly eventResultProcessor: readonly ResultProcessorConfig[];
}

/** The section of a result processor, which says itself what results it is for. */
export type ResultProcessorConfig = RoleConfig & { readonly when: readonly When[] };

/** What belongs to the process when a file does not say it. */
export const PROCESS_DEFAULTS = { logFormat: "text", shutdownTimeout: "25s" } as const;

const shutdownTimeoutScalar = duration({ min: "0", max: "1h" });

/** `PROCESS_DEFAULTS.shutdownTimeout` in milliseconds. */
export const DEFAULT_SHUTDOWN_TIMEOUT_MS = 25_000;

const logLevelWords = Object.fromEntries(LOG_LEVELS.map((level) => [level, level]));
const logLevelNumbers = Object.fromEntries(LOG_LEVELS.map((level, number) => [number, level]));

const pipelineName = textOf("1 to 249 characters without control characters", {
  json: { maxLength: 249 },
  check: (text) => /^\P{Cc}{1,249}$/u.test(text) ? text : undefined,
});

const logLevel = choice<LogLevel>({ ...logLevelWords, ...logLevelNumbers }, {
  expected: "DEBUG, INFO, WARN, ERROR or 0 to 3",
  offered: [...LOG_LEVELS, ...LOG_LEVELS.keys()],
});

const ordering = choice<Ordering>({ key: "key", partition: "partition", none: "none" });

/** One pipeline of a file. */
export const pipelineSchema: z.ZodType<PipelineConfig> = section({
  name: toSchema(pipelineName).describe("Names the pipeline in the log; no two have the same"),
  logLevel: toSchema(logLevel).prefault("INFO").describe(
    "What the pipeline logs; 0 to 3 stand for DEBUG to ERROR",
  ),
  ordering: toSchema(ordering).prefault("key").describe(
    "What is handled one after the other: the events of a `key` of a partition (those without a key count as one), of a `partition`, or `none`",
  ),
  concurrency: toSchema(integer(1, 10_000)).prefault(32).describe(
    "How many calls may be in flight",
  ),
  maxLookahead: toSchema(integer(1, 1_000_000)).prefault(1000).describe(
    "How many events of a partition may be begun from its lowest unfinished one on",
  ),
  maxBufferedBytes: toSchema(size({ min: "1MiB", max: "4GiB" })).prefault("64MiB").describe(
    "How much of what was fetched may wait or be under way; fetching pauses when it is more",
  ),
  eventListener: roleSchema<RoleConfig>(LISTENER_SCHEMAS).meta({ id: "listener" }).describe(
    "Where events come from",
  ),
  eventHandler: roleSchema<RoleConfig>(HANDLER_SCHEMAS).meta({ id: "handler" }).describe(
    "What is called for each event",
  ),
  eventResultProcessor: oneOrList(
    roleSchema<ResultProcessorConfig>(RESULT_PROCESSOR_SCHEMAS).meta({ id: "resultProcessor" }),
  ).optional()
    .transform((processors) => processors ?? [])
    .describe("Where results go: one, a list, or none when the call was the purpose"),
}).meta({ id: "pipeline" });

/** A file in its longer form; the shorter one is its `pipelines` alone. */
export const fileSchema = section({
  logFormat: toSchema(choice<LogFormat>({ text: "text", json: "json" })).optional()
    .describe("How log lines are written").meta({ default: PROCESS_DEFAULTS.logFormat }),
  shutdownTimeout: toSchema(shutdownTimeoutScalar).optional()
    .describe("How long events in flight may take to finish when eventor is stopped")
    .meta({ default: PROCESS_DEFAULTS.shutdownTimeout }),
  pipelines: z.array(pipelineSchema).describe("The pipelines; each runs on its own"),
});

/** What one file says. */
export type FileConfig = z.output<typeof fileSchema>;

function roleSchema<Section extends RoleConfig>(
  schemas: Readonly<Record<string, z.ZodType<Section, unknown>>>,
): z.ZodType<Section> {
  // The discriminator is there, as each schema reads a mapping with a literal `type`; its type does not say so.
  return z.discriminatedUnion(
    "type",
    Object.values(schemas) as unknown as [z.core.$ZodTypeDiscriminable],
  ) as unknown as z.ZodType<Section>;
}
