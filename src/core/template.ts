import type { Bytes, InboundEvent } from "./event.ts";
import type { ResponseFacts } from "./handler.ts";
import { jsonWeight } from "./json_weight.ts";
import { octets } from "./octets.ts";

/** A text with placeholders for values of the event and the response: plain data that can be posted to a Worker. */
export interface Template {
  readonly parts: readonly (string | Placeholder)[];
}

/** Stands for a value of the event or the response: `${event.key:-none}`. */
export interface Placeholder {
  /** As written: `event.value.customer.id`. */
  readonly name: string;
  readonly source: PlaceholderSource;
  /** Used when there is no value. */
  readonly fallback?: string;
}

/** Source of a placeholder's value. */
export type PlaceholderSource =
  | { readonly kind: "key" | "timestamp" | "status" }
  /** A fact of the event's origin. */
  | { readonly kind: "fact"; readonly name: string }
  | { readonly kind: "header" | "responseHeader"; readonly name: string }
  | { readonly kind: "value" | "body"; readonly path: readonly string[] };

/** Values for placeholders. */
export interface TemplateSubject {
  readonly event: InboundEvent;
  /** Absent before the response, and where none is needed. */
  readonly response?: TemplateResponse | undefined;
}

/** The parts of a response that templates can use. */
export interface TemplateResponse extends Partial<ResponseFacts> {
  readonly body: Bytes;
}

/** A placeholder has no value, or one that is not allowed. It is never worth a retry. The message holds no payload. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const FACT = /^event\.(?!headers$|value$)([a-z]+(?:-[a-z]+)*)$/;
const HEADER = /^(event|response)\.headers\.(.+)$/s;
const FIELD = /^(event\.value|response\.body)\.([^.]+(?:\.[^.]+)*)$/s;
/** Limits of `jsonWeight()` for a lookup, and for a parse in full: about 100 MB of memory. 1 MB seldom weighs more. */
const MOST_WEIGHT = 1_500_000;
const MOST_WEIGHT_IN_FULL = 550_000;
const TEXT_ENCODER = new TextEncoder();
/** Keeps a byte order mark, which is part of a value. */
const TEXT_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Parses the text between the braces of a placeholder; null when it is unknown. Only the listener's role knows which
 * facts an event has.
 */
export function parsePlaceholder(body: string): Placeholder | null {
  const [, name = "", fallback] = /^(.*?)(?::-(.*))?$/s.exec(body) ?? [];
  const source = sourceOf(name);
  return source && { name, source, ...(fallback === undefined ? {} : { fallback }) };
}

function sourceOf(name: string): PlaceholderSource | null {
  const [, fact] = FACT.exec(name) ?? [];
  if (fact === "key" || fact === "timestamp") return { kind: fact };
  if (fact !== undefined) return { kind: "fact", name: fact };
  if (name === "response.status") return { kind: "status" };
  const [, side, header] = HEADER.exec(name) ?? [];
  if (header !== undefined) {
    return { kind: side === "event" ? "header" : "responseHeader", name: header.toLowerCase() };
  }
  const [, root, path] = FIELD.exec(name) ?? [];
  if (path === undefined) return null;
  return { kind: root === "event.value" ? "value" : "body", path: path.split(".") };
}

/** Whether a placeholder needs a response. */
export function isOfResponse({ source: { kind } }: Placeholder): boolean {
  return kind === "status" || kind === "responseHeader" || kind === "body";
}

export function placeholdersOf({ parts }: Template): readonly Placeholder[] {
  return parts.filter((part) => typeof part !== "string");
}

/** The template as written, except for a literal `${`. */
export function formatTemplate({ parts }: Template): string {
  return parts.map((part) => typeof part === "string" ? part : formatPlaceholder(part)).join("");
}

function formatPlaceholder({ name, fallback }: Placeholder): string {
  return `\${${name}${fallback === undefined ? "" : `:-${fallback}`}}`;
}

/**
 * Fills in the values.
 *
 * @param encode turns a value into text that is valid in its place
 * @throws {TemplateError} when a value is missing or not allowed
 */
export function fill(
  { parts }: Template,
  subject: TemplateSubject,
  encode: (value: Bytes) => string,
): string {
  let text = "";
  for (const part of parts) {
    text += typeof part === "string" ? part : encode(content(part, subject));
  }
  return text;
}

/**
 * Fills in the values byte for byte.
 *
 * @throws {TemplateError} when a value is missing or not allowed
 */
export function fillBytes({ parts }: Template, subject: TemplateSubject): Bytes {
  const pieces = parts.map((part) =>
    typeof part === "string" ? TEXT_ENCODER.encode(part) : content(part, subject)
  );
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.length;
  }
  return bytes;
}

function content(placeholder: Placeholder, subject: TemplateSubject): Bytes {
  const found = lookUp(placeholder.source, subject) ?? placeholder.fallback;
  if (found === undefined) {
    throw new TemplateError(
      `no value for ${
        formatPlaceholder(placeholder)
      }; write \${${placeholder.name}:-...} to set a default`,
    );
  }
  return typeof found === "string" ? TEXT_ENCODER.encode(found) : found;
}

function lookUp(
  source: PlaceholderSource,
  { event, response }: TemplateSubject,
): Bytes | string | undefined {
  switch (source.kind) {
    case "key":
      return event.key ?? undefined;
    case "fact":
      return event.origin.facts().find(([name]) => name === source.name)?.[1];
    case "timestamp":
      return `${event.timestampMs}`;
    case "header":
      return event.headers.find(([name]) => name.toLowerCase() === source.name)?.[1] ?? undefined;
    case "value":
      return field(event.value, source.path);
    case "status":
      return response?.status === undefined ? undefined : `${response.status}`;
    case "responseHeader": {
      const value = response?.headers?.get(source.name);
      return value === undefined ? undefined : octets(value);
    }
    case "body":
      return response && field(response.body, source.path);
  }
}

/** A field of JSON as text: lists and objects become JSON, numbers stay as written. */
function field(json: Bytes | null, path: readonly string[]): string | undefined {
  if (json === null) return undefined;
  const text = TEXT_DECODER.decode(json);
  // Only an object or a list has fields; other text, such as CSV, is not weighed.
  if (!/^\s*[{[]/.test(text)) return undefined;
  assertLighterThan(MOST_WEIGHT, text);
  const simple = simpleField(text, path);
  return simple === null ? inFull(text, path) : simple;
}

/**
 * The field, if it is a string, a boolean or a safe integer; null, if it needs `inFull()`. Returns before that parses the
 * text again: both parsed values at once would take twice the memory.
 */
function simpleField(text: string, path: readonly string[]): string | undefined | null {
  const value = valueAt(parse(text), path);
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return `${value}`;
    case "number":
      return Number.isSafeInteger(value) ? `${value}` : null;
    default:
      return value === null || value === undefined ? undefined : null;
  }
}

function assertLighterThan(most: number, text: string): void {
  if (jsonWeight(text) <= most) return;
  throw new TemplateError("the JSON has too many lists, objects and items to be looked into");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keeps numbers that JavaScript would round: an identifier of twenty digits would become another one's. */
function inFull(text: string, path: readonly string[]): string {
  assertLighterThan(MOST_WEIGHT_IN_FULL, text);
  // Part of ECMAScript 2026, but missing in the types.
  const { rawJSON } = JSON as unknown as { rawJSON(source: string): unknown };
  const keep = (_name: string, value: unknown, { source }: { source?: string }) =>
    typeof value === "number" && source !== undefined ? rawJSON(source) : value;
  try {
    const exact = JSON.parse(text, keep as Parameters<typeof JSON.parse>[1]);
    return JSON.stringify(valueAt(exact, path));
  } catch (error) {
    // With a reviver, the parser uses the stack for each level.
    if (error instanceof RangeError) throw new TemplateError("the JSON is nested too deeply");
    throw error;
  }
}

/** The value at a path of plain data; `undefined` when there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, name)
        ? Reflect.get(inner, name)
        : undefined,
    value,
  );
}
