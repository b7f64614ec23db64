import { z } from "zod";
import { isMapping } from "../../config/document.ts";
import { quoted } from "../../config/found.ts";
import type { Reading } from "../../config/scalar.ts";
import { TOKEN } from "./token.ts";

const VALUE = /^[\t\x20-\x7e]*$/;
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

/** Reads a mapping of header names to values as a list. */
export const headersSchema = z.unknown().transform((input, context) => {
  const headers: [string, string][] = [];
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

function readHeader(name: string, value: unknown): Reading<string> {
  const lowerCase = name.toLowerCase();
  if (!TOKEN.test(name)) return { refused: `${quoted(name)} is not the name of an HTTP header` };
  if (REFUSED.has(lowerCase) || lowerCase.startsWith("proxy-")) {
    return { refused: "this header can't be set: it is the HTTP client's own" };
  }
  if (typeof value !== "string") return { expected: "text in quotes" };
  if (!VALUE.test(value)) {
    return { refused: "expected printable ASCII characters on one line, found others (***)" };
  }
  return { value: value.trim() };
}
