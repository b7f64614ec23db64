import { z } from "zod";
import { describeKey } from "../../schema/description.ts";
import { type Reading, toSchema } from "../../schema/scalar.ts";
import { headerPairs } from "../../schema/section.ts";
import { TemplateText } from "../../schema/texts.ts";
import { isOfResponse, placeholdersOf, type Template } from "../../core/template.ts";
import { isPattern } from "./forwarded_headers.ts";
import { isCredential, isMadeFromEvents, isOfTheClient } from "./header_names.ts";
import { TOKEN } from "../http1/http_response.ts";

const VALUE = /^[\t\x20-\x7e]*$/;
const NOT_ASCII = {
  refused: "expected printable ASCII characters on one line, found others (***)",
};

export const headersSchema = headerPairs(readHeader);

/** Reads `forwardHeaders`: names of headers, and patterns. */
export const forwardHeadersSchema = z.array(toSchema<string>({
  expected: "the name of a header",
  json: { type: "string" },
  read: readForwarded,
}));

function readForwarded(name: unknown): Reading<string> {
  if (typeof name !== "string") return { expected: "the name of a header" };
  if (name.includes("*")) return readPattern(name);
  const refused = reasonToRefuse(name) ?? reasonNotOfEvents(name);
  if (refused !== undefined) return { refused };
  return isMadeFromEvents(name.toLowerCase())
    ? { refused: "each request has this header without configuration" }
    : { value: name };
}

/** HTTP allows `*` in names, but no known header has it. */
function readPattern(pattern: string): Reading<string> {
  const prefix = pattern.slice(0, -1);
  if (!isPattern(pattern) || prefix.includes("*")) {
    return { refused: "'*' stands for the rest of a name: write it once, at the end" };
  }
  if (prefix === "") return { value: pattern };
  if (!TOKEN.test(prefix)) {
    return { refused: `no HTTP header name begins with ${describeKey(prefix)}` };
  }
  // A pattern is refused if every name that it matches is refused by name.
  const lowerCase = prefix.toLowerCase();
  const example = lowerCase.endsWith("-") ? `${lowerCase}x` : lowerCase;
  const refused = lowerCase.endsWith("-") ? reasonToRefuse(example) : reasonNotOfEvents(prefix);
  if (refused !== undefined) return { refused };
  return lowerCase.endsWith("-") && isMadeFromEvents(example)
    ? { refused: "each request has these headers without configuration" }
    : { value: pattern };
}

/** Why `auth` cannot use a header, if so. */
export function reasonNotOfAuth(name: string): string | undefined {
  return isMadeFromEvents(name.toLowerCase())
    ? "each request has this header, made from its event"
    : reasonToRefuse(name);
}

function reasonToRefuse(name: string): string | undefined {
  if (!TOKEN.test(name)) return `${describeKey(name)} is not the name of an HTTP header`;
  if (isOfTheClient(name.toLowerCase())) {
    return "this header cannot be set: the HTTP client sets it";
  }
  return undefined;
}

function reasonNotOfEvents(name: string): string | undefined {
  return isCredential(name.toLowerCase())
    ? "this header cannot be made from events: their producer could choose the credentials"
    : undefined;
}

function readHeader(name: string, value: unknown): Reading<string | Template> {
  const refused = reasonToRefuse(name);
  if (refused !== undefined) return { refused };
  if (value instanceof TemplateText) return readTemplate(name, value.template);
  if (typeof value !== "string") return { expected: "text in quotes" };
  return VALUE.test(value) ? { value: value.trim() } : NOT_ASCII;
}

function readTemplate(name: string, template: Template): Reading<Template> {
  const refused = reasonNotOfEvents(name);
  if (refused !== undefined) return { refused };
  if (placeholdersOf(template).some(isOfResponse)) {
    return { refused: "there is no response yet: write '${event...}'" };
  }
  const literals = template.parts.filter((part) => typeof part === "string");
  return literals.every((literal) => VALUE.test(literal)) ? { value: template } : NOT_ASCII;
}
