import { z } from "zod";
import type { When } from "../core/handler.ts";
import { isHost } from "../core/host.ts";
import { LOG_LEVELS, type LogFormat, type LogLevel } from "../core/log.ts";
import type { Ordering } from "../core/ordering.ts";
import type { HandlerConfig, RoleConfig } from "../core/transport.ts";
import type { RecordTemplates } from "../core/record_templates.ts";
import {
  DEAD_LETTER_SCHEMAS,
  HANDLER_SCHEMAS,
  LISTENER_SCHEMAS,
  RESULT_PROCESSOR_SCHEMAS,
} from "../transports/schemas.ts";
import { choice, duration, integer, size, textOf, toSchema } from "../schema/scalar.ts";
import { oneOrList, section } from "../schema/section.ts";

/** A valid configuration: plain data that can be posted between threads. */
export interface Config {
  readonly logFormat: LogFormat;
  readonly shutdownTimeoutMs: number;
  /** Absent when the admin interface is off. */
  readonly admin?: AdminConfig;
  readonly pipelines: readonly PipelineConfig[];
  readonly warnings: readonly ConfigWarning[];
  /** Texts to redact in all output. They stay in the main isolate, except for `eventor try`. */
  readonly secrets: readonly string[];
}

/** Address of the admin interface. */
export interface AdminConfig {
  /** A name or an address, IPv6 in brackets. */
  readonly hostname: string;
  readonly port: number;
  /** How long an event may fail before its pipeline is not ready, in milliseconds. */
  readonly readyAfterMs: number;
}

/** Accepted, but probably a mistake. Holds no secret. */
export interface ConfigWarning {
  readonly pipeline?: string;
  readonly message: string;
}

/** A pipeline. Each role reads its own section. */
export interface PipelineConfig {
  readonly name: string;
  readonly logLevel: LogLevel;
  readonly ordering: Ordering;
  readonly concurrency: number;
  readonly maxLookahead: number;
  readonly maxBufferedBytes: number;
  readonly eventListener: RoleConfig;
  readonly eventHandler: HandlerConfig;
  readonly eventResultProcessor: readonly ResultProcessorConfig[];
  /** Destination of events that have failed for good; stored like results. */
  readonly deadLetter?: RoleConfig | undefined;
}

/** The section of a result processor, with its outcomes and templates. */
export type ResultProcessorConfig = RoleConfig & {
  readonly when: readonly When[];
  readonly templates?: RecordTemplates;
};

export const PROCESS_DEFAULTS = { logFormat: "text", shutdownTimeout: "25s" } as const;

const adminAddress = textOf("host:port, such as 127.0.0.1:9464", {
  check(text) {
    const { hostname, port } = splitAddress(text.toLowerCase());
    return isHost(hostname) && port >= 1 && port <= 65_535 ? text.toLowerCase() : undefined;
  },
});

function splitAddress(address: string): { hostname: string; port: number } {
  const [, hostname = "", port = ""] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  return { hostname, port: Number(port) };
}

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

export const pipelineSchema: z.ZodType<PipelineConfig> = section({
  name: toSchema(pipelineName).describe("The name of the pipeline, for the log; it must be unique"),
  logLevel: toSchema(logLevel).prefault("INFO").describe(
    "The lowest level that the pipeline logs; 0 to 3 stand for DEBUG to ERROR",
  ),
  ordering: toSchema(ordering).prefault("key").describe(
    "Which events are handled one after the other: those with the same `key` in a partition (events without a key share one), those of a `partition`, or `none`",
  ),
  concurrency: toSchema(integer(1, 10_000)).prefault(32).describe(
    "The most calls in flight. One of several partitions gets half of them at most, so that calls that hang leave some for the others",
  ),
  maxLookahead: toSchema(integer(1, 1_000_000)).prefault(1000).describe(
    "How far a partition may run ahead of its lowest unfinished event, in events",
  ),
  maxBufferedBytes: toSchema(size({ min: "1MiB", max: "4GiB" })).prefault("64MiB").describe(
    "The most bytes of fetched events that wait or are in flight; beyond that, fetching pauses. Separately, the most bytes of results that wait to be stored; beyond that, no call starts",
  ),
  eventListener: roleSchema<RoleConfig>(LISTENER_SCHEMAS).meta({ id: "listener" }).describe(
    "Where events come from",
  ),
  eventHandler: roleSchema<HandlerConfig>(HANDLER_SCHEMAS).meta({ id: "handler" }).describe(
    "What is called for each event",
  ),
  eventResultProcessor: oneOrList(
    roleSchema<ResultProcessorConfig>(RESULT_PROCESSOR_SCHEMAS).meta({ id: "resultProcessor" }),
  ).optional()
    .transform((processors) => processors ?? [])
    .describe("Where results go: one, a list, or none if only the call matters"),
  deadLetter: roleSchema<RoleConfig>(DEAD_LETTER_SCHEMAS).meta({ id: "deadLetter" }).optional()
    .describe("Where eventor stores events that have failed for good, without changing them"),
}).superRefine((pipeline, context) => {
  // Invalid sections arrive here as written.
  const handler: Partial<HandlerConfig> = Object(pipeline.eventHandler);
  const processors = [pipeline.eventResultProcessor].flat();
  const refuse = (key: string, refused: string) =>
    context.addIssue({ code: "custom", path: ["eventHandler", key], params: { refused } });
  if (handler.onFailure === "deadLetter" && pipeline.deadLetter === undefined) {
    refuse("onFailure", "the pipeline has no 'deadLetter': add that section");
  }
  if (
    handler.onFailure !== undefined && handler.onFailure !== "deadLetter" && pipeline.deadLetter
  ) {
    refuse(
      "onFailure",
      `'${handler.onFailure}' contradicts the pipeline's 'deadLetter': leave out one of the two`,
    );
  }
  const takesSuccess = processors.some((each) => [Object(each).when].flat().includes("onSuccess"));
  if (handler.onTombstone === "forward" && !takesSuccess) {
    refuse("onTombstone", "'forward' needs an eventResultProcessor with 'when: onSuccess'");
  }
}).meta({ id: "pipeline" });

/** A file in its long form; the short form is only its `pipelines`. */
export const fileSchema = section({
  logFormat: toSchema(choice<LogFormat>({ text: "text", json: "json" })).optional()
    .describe("How log lines are written").meta({ default: PROCESS_DEFAULTS.logFormat }),
  shutdownTimeout: toSchema(shutdownTimeoutScalar).optional()
    .describe("How long events in flight may take to finish when eventor stops")
    .meta({ default: PROCESS_DEFAULTS.shutdownTimeout }),
  admin: section({
    address: toSchema(adminAddress).prefault("127.0.0.1:9464").describe(
      "Where it listens, as `host:port`. Anyone who can reach it can read the pipelines' state",
    ),
    readyAfter: toSchema(duration({ min: "0", max: "24h" })).prefault("30s").describe(
      "How long an event may fail before its pipeline is not ready",
    ),
  }).transform(({ address, readyAfter }): AdminConfig => ({
    ...splitAddress(address),
    readyAfterMs: readyAfter,
  })).optional().describe("An HTTP interface with `/livez` and `/readyz`; without it, none"),
  pipelines: z.array(pipelineSchema).describe("The pipelines; each runs on its own"),
});

export type FileConfig = z.output<typeof fileSchema>;

function roleSchema<Section extends RoleConfig>(
  schemas: Readonly<Record<string, z.ZodType<Section, unknown>>>,
): z.ZodType<Section> {
  // Each schema reads a mapping with a literal `type`, the discriminator; its TypeScript type does not say so.
  return z.discriminatedUnion(
    "type",
    Object.values(schemas) as unknown as [z.core.$ZodTypeDiscriminable],
  ) as unknown as z.ZodType<Section>;
}

/** A JSON Schema (draft 2020-12) of a whole file, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.union([
    z.array(pipelineSchema).describe("A list of pipelines"),
    fileSchema.describe("A list of pipelines, and settings of the process"),
  ]).meta({ title: "Configuration of eventor" });
  return {
    ...z.toJSONSchema(schema, {
      io: "input",
      // zod omits these for transformed values, but ours are in terms of the input.
      override({ zodSchema, jsonSchema }) {
        const { default: fallback, examples } = z.globalRegistry.get(zodSchema) ?? {};
        if (fallback !== undefined) jsonSchema.default = fallback as typeof jsonSchema.default;
        if (Array.isArray(examples)) jsonSchema.examples = examples;
      },
    }),
  };
}
