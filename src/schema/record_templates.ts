import type { When } from "../core/handler.ts";
import type { RecordTemplates } from "../core/record_templates.ts";
import type { Template } from "../core/template.ts";
import { describeKey } from "./description.ts";
import { choice, type Reading, toSchema } from "./scalar.ts";
import { headerPairs, oneOrList } from "./section.ts";
import { asTemplate } from "./texts.ts";

const EXPECTED = "text in quotes, which may hold templates";

const templateSchema = toSchema<Template>({
  expected: EXPECTED,
  json: { type: "string" },
  read: readTemplate,
});

function readTemplate(input: unknown): Reading<Template> {
  const template = asTemplate(input);
  return template === undefined ? { expected: EXPECTED } : { value: template };
}

function readHeader(name: string, value: unknown): Reading<Template> {
  if (name === "") return { refused: `${describeKey(name)} is not the name of a header` };
  if (/^eventor-/i.test(name)) {
    return { refused: "headers that begin with 'eventor-' are reserved" };
  }
  return readTemplate(value);
}

/** The keys of a result processor that shape its records. */
export const recordTemplateKeys = {
  key: templateSchema.optional().describe(
    "The key of records, instead of the event's; it may hold templates",
  ),
  headers: headerPairs(readHeader).optional().describe(
    "Further headers of records; values may hold templates. They replace others of the same names",
  ),
};

/** The templates of these keys and the topic; nothing without any. */
export function recordTemplates(
  templates: RecordTemplates,
): { readonly templates?: RecordTemplates } {
  return Object.values(templates).every((value) => value === undefined) ? {} : { templates };
}

/** Outcomes that a result processor is configured for. */
export const whenSchema = oneOrList(
  toSchema(choice<When>({ onSuccess: "onSuccess", onError: "onError" })),
).transform((outcomes): readonly When[] => [...new Set(outcomes)])
  .describe(
    "`onSuccess`: the response's status is below 300; `onError`: it is 400 or above, a redirect that eventor does " +
      "not follow, or the response is unusable; one or a list",
  );
