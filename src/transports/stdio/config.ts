import { z } from "zod";
import { recordTemplateKeys, recordTemplates, whenSchema } from "../../schema/record_templates.ts";
import { choice, toSchema } from "../../schema/scalar.ts";
import { section } from "../../schema/section.ts";
import type { When } from "../../core/handler.ts";
import type { RecordTemplates } from "../../core/record_templates.ts";

export interface StdinListenerConfig {
  readonly type: "stdin";
  readonly format: "text" | "json";
}

export interface StdoutConfig {
  readonly type: "stdout";
  readonly format: "text" | "json";
}

/** One result per line, and which results are written. */
export type StdoutResultProcessorConfig = StdoutConfig & {
  readonly when: readonly When[];
  readonly templates?: RecordTemplates;
};

const format = toSchema(choice<"text" | "json">({ text: "text", json: "json" }))
  .prefault("text")
  .describe("`text`: the value as it is; `json`: an object with key, value and headers");

export const stdinListenerSchema: z.ZodType<StdinListenerConfig> = section({
  type: z.literal("stdin").describe("Reads events from standard input, one a line of up to 16 MiB"),
  format,
});

export const stdoutResultProcessorSchema: z.ZodType<StdoutResultProcessorConfig> = section({
  type: z.literal("stdout").describe("Writes results to standard output, one a line"),
  when: whenSchema,
  format,
  ...recordTemplateKeys,
}).transform(({ key, headers, ...others }) => ({
  ...others,
  ...recordTemplates({ key, headers }),
}));

export const stdoutDeadLetterSchema: z.ZodType<StdoutConfig> = section({
  type: z.literal("stdout").describe("Writes dead letters to standard output, one a line"),
  format,
});
