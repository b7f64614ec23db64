import { z } from "zod";
import { isMapping } from "../../config/document.ts";
import { shownKey } from "../../config/found.ts";
import type { Reading } from "../../config/scalar.ts";
import { TemplateText } from "../../config/template_text.ts";
import { gapsOf, isOfResponse, type Template } from "../../core/template.ts";
import { TOKEN } from "./token.ts";

const VALUE = /^[\t\x20-\x7e]*$/;
const NOT_ASCII = {
  refused: "expected printable ASCII characters on one line, found others (***)",
};
// They belong to a connection or to the framing of the body, which the HTTP client decides about.
const REFUSED = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers that each request has of its event. */
const MADE_FROM_EVENTS = new Set(["content-type", "idempotency-key", "traceparent"]);
/** Whether a header is there in each request, whatever is configured. */
function isMadeFromEvents(lowerCase: string): boolean {
  return lowerCase.startsWith("eventor-") || MADE_FROM_EVENTS.has(lowerCase);
}

/** By these, an endpoint would do what the event's writer may. */
const NOT_OF_EVENTS = new Set(["authorization", "cookie"]);

/** Reads a mapping of header names to values as a list. */
export const headersSchema = z.unknown().transform((input, context) => {
  const headers: [string, string | Template][] = [];
  if (!isMapping(input)) {
    context.addIssue({ code: "custom", params: { expected: "a mapping" } });
    return z.NEVER;
  }
  const names = new Set<string>();
  for (const [name, value] of Object.entries(input)) {
    const reading = readHeader(name, value);
    const isRepeated = names.has(name.toLowerCase());
    names.add(name.toLowerCase());
    if (isRepeated) {
      context.addIssue({ code: "custom", path: [name], params: { refused: "given twice" } });
    } else if ("value" in reading) {
      headers.push([name, reading.value]);
    } else {
      context.addIssue({ code: "custom", path: [name], params: reading });
    }
  }
  return headers;
}).meta({ type: "object", additionalProperties: { type: "string" } });

/** Reads a list of names of headers that events may decide about. */
export const forwardHeadersSchema = z.array(
  z.unknown().transform((input, context) => {
    const reading = readForwarded(input);
    if ("value" in reading) return reading.value;
    context.addIssue({ code: "custom", params: reading });
    return z.NEVER;
  }).meta({ type: "string" }),
);

function readForwarded(name: unknown): Reading<string> {
  if (typeof name !== "string") return { expected: "the name of a header" };
  const refused = reasonToRefuse(name) ?? reasonNotOfEvents(name);
  if (refused !== undefined) return { refused };
  return isMadeFromEvents(name.toLowerCase())
    ? { refused: "this header comes from the event anyway" }
    : { value: name };
}

/** Why a header can't show who calls, if it can't. */
export function reasonNotOfAuth(name: string): string | undefined {
  return isMadeFromEvents(name.toLowerCase())
    ? "this header comes from the event"
    : reasonToRefuse(name);
}

function reasonToRefuse(name: string): string | undefined {
  const lowerCase = name.toLowerCase();
  if (!TOKEN.test(name)) return `${shownKey(name)} is not the name of an HTTP header`;
  if (REFUSED.has(lowerCase) || lowerCase.startsWith("proxy-")) {
    return "this header can't be set: it is the HTTP client's own";
  }
  return undefined;
}

function reasonNotOfEvents(name: string): string | undefined {
  return NOT_OF_EVENTS.has(name.toLowerCase())
    ? "this header can't be taken from events: whoever writes them would decide about it"
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
  if (gapsOf(template).some(isOfResponse)) {
    return { refused: "there is no response yet: write '${event...}'" };
  }
  const literals = template.parts.filter((part) => typeof part === "string");
  return literals.every((literal) => VALUE.test(literal)) ? { value: template } : NOT_ASCII;
}
