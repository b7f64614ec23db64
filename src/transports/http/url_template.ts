import type { Bytes, InboundEvent } from "../../core/event.ts";
import { fill, placeholdersOf, type Template, TemplateError } from "../../core/template.ts";
import { pathProblem } from "./path_problem.ts";
import { latin1 } from "../http1/http_response.ts";
import { percentEncode } from "./percent_encoding.ts";

/** A URL with placeholders in its path and query; scheme, host and port have none. */
export interface UrlTemplate {
  readonly origin: string;
  /** The parts of the path between slashes. */
  readonly segments: readonly Template[];
  readonly query: Template | null;
}

/** All but unreserved characters (RFC 3986, 2.3). */
const RESERVED = /[^A-Za-z0-9._~-]/g;

/** Limit of path and query of a URL with placeholders: common servers accept no more. */
const MAX_TARGET_BYTES = 8192;

/** Stands for a placeholder while a URL is parsed; the parser leaves it unchanged. */
const MARK = "eventor-placeholder-";

/** Parses a URL with placeholders; null if it is invalid, or has one outside path and query. */
export function parseUrlTemplate(
  { parts }: Template,
  parse: (url: string) => URL | null,
): UrlTemplate | null {
  const { text, unmark } = marked({ parts });
  const [origin = MARK] = /^https?:\/\/[^/?#\\]+(?=[/?])/i.exec(text) ?? [];
  if (origin.includes(MARK) || parts.some((part) => String(part).includes(MARK))) return null;
  const url = parse(text);
  if (url === null) return null;
  return {
    origin: url.origin,
    segments: url.pathname.slice(1).split("/").map(unmark),
    query: url.search === "" ? null : unmark(url.search.slice(1)),
  };
}

/** A template as a text with a mark for each placeholder. `unmark()` turns a part of that text back into a template. */
export function marked(
  { parts }: Template,
): { readonly text: string; unmark(text: string): Template } {
  const placeholders = parts.filter((part) => typeof part !== "string");
  let number = 0;
  return {
    text: parts.map((part) => typeof part === "string" ? part : `${MARK}${number++}-`).join(""),
    unmark: (text) => ({
      parts: text.split(/eventor-placeholder-(\d+)-/)
        .map((piece, index) =>
          index % 2 === 0 ? piece : placeholders[Number(piece)] ?? `${MARK}${piece}-`
        )
        .filter((part) => part !== ""),
    }),
  };
}

/**
 * Path and query for an event. An inserted value stays within its segment of the path or its part of the query.
 *
 * @throws {TemplateError} when a placeholder has no value, or the URL would lead elsewhere or be too long
 */
export function targetFor({ origin, segments, query }: UrlTemplate, event: InboundEvent): string {
  let target = "";
  for (const segment of segments) {
    const text = fill(segment, { event }, percentEncoded);
    requireFitting(text);
    const problem = placeholdersOf(segment).length > 0 ? pathProblem(text) : undefined;
    if (problem !== undefined) throw new TemplateError(problem);
    target += `/${text}`;
  }
  const search = query === null ? "" : fill(query, { event }, percentEncoded);
  if (search !== "") target += `?${search}`;
  requireFitting(target);
  const url = URL.parse(origin + target);
  if (url?.origin !== origin || url.pathname + url.search !== target) {
    throw new TemplateError("the URL would lead to another path or host than configured");
  }
  return target;
}

/** Checks the limit; each character is one byte. */
function requireFitting({ length }: string | Bytes): void {
  if (length <= MAX_TARGET_BYTES) return;
  throw new TemplateError(
    `the URL's path and query would be longer than ${MAX_TARGET_BYTES} bytes`,
  );
}

function percentEncoded(value: Bytes): string {
  // Encoding a value of megabytes takes hundreds of megabytes.
  requireFitting(value);
  return percentEncode(latin1(value), RESERVED);
}
