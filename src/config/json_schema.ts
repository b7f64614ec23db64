import { z } from "zod";
import { fileSchema, pipelineSchema } from "./schema.ts";

/** A JSON Schema (draft 2020-12) of a whole file, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.union([
    z.array(pipelineSchema).describe("A list of pipelines"),
    fileSchema.describe("A list of pipelines, and what belongs to the process"),
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
