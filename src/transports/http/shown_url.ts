import { isHidden, type WrittenPart } from "../../config/secrets.ts";
import type { InboundEvent } from "../../core/event.ts";
import { formatTemplate, type Template, TemplateError } from "../../core/template.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { parseUrlTemplate, targetFor, type UrlTemplate } from "./url_template.ts";

/** Stands for what nobody may see. */
export const HIDDEN = "***";

const ORIGIN = /^https?:\/\/[^/?#\\]*/i;

/** Stands for a gap while a query is taken apart; it can be in no URL. */
const MARK = /\0(\d+)\0/;

/**
 * A URL as people may see it: what came from outside is hidden, but for scheme, host and port, which the sandbox names.
 *
 * @param parts those of the URL as it is written
 */
export function shownUrl(parts: readonly WrittenPart[]): Template {
  const shown: Template["parts"][number][] = [];
  let origin = "";
  let text = "";
  let isOrigin = true;
  for (const part of parts) {
    if (typeof part === "object" && !isHidden(part)) {
      shown.push(text, part);
      text = "";
      continue;
    }
    let rest = isHidden(part) ? part.hidden : part;
    if (isOrigin) {
      const all = origin + rest;
      const length = ORIGIN.exec(all)?.[0].length ?? all.length;
      isOrigin = length === all.length;
      rest = all.slice(length);
      origin = all.slice(0, length);
    }
    text += isHidden(part) ? concealed(rest) : rest;
  }
  const [first = "", ...others] = [...shown, text];
  const known = URL.parse(origin)?.origin ?? HIDDEN;
  const path = typeof first === "string" && /^[/?]/.test(first) ? first : `/${first}`;
  return { parts: [known + path, ...others.filter((part) => part !== "")] };
}

function concealed(text: string): string {
  const slash = text.startsWith("/") ? "/" : "";
  return text === slash ? slash : slash + HIDDEN;
}

/** A configured URL for people: the query may hold secrets. */
export function withoutQuery(
  { url, shownUrl }: Pick<HttpHandlerConfig, "url" | "shownUrl">,
): string {
  const shown = shownUrl === undefined ? url : formatTemplate(shownUrl);
  return shown.replace(/\?.*$/s, "");
}

/** Says path and query of requests as people may see them: of the query, names and what templates fill in. */
export class ShownTargets {
  readonly #template: UrlTemplate | null;
  /** What is hidden of the query. */
  readonly hidden: readonly string[];

  constructor({ url, urlTemplate, shownUrl }: HttpHandlerConfig) {
    const written = urlTemplate?.query ?? { parts: [URL.parse(url)?.search.slice(1) ?? ""] };
    this.hidden = hiddenInQuery(written);
    const template = shownUrl === undefined && urlTemplate !== undefined
      ? urlTemplate
      : parseUrlTemplate(shownUrl ?? { parts: [url] }, (text) => URL.parse(text));
    const query = template?.query ?? null;
    this.#template = template && { ...template, query: query && concealedQuery(query) };
  }

  of(event: InboundEvent): string {
    try {
      return this.#template === null ? `/${HIDDEN}` : targetFor(this.#template, event);
    } catch (error) {
      if (error instanceof TemplateError) return `/${HIDDEN}`;
      throw error;
    }
  }
}

/** Where a redirect leads to: nothing of its query is known to be harmless. */
export function shownRedirect(target: string): string {
  const [path = "", query] = target.split(/\?(.*)/s);
  return query === undefined
    ? path
    : `${path}?${formatTemplate(concealedQuery({ parts: [query] }))}`;
}

/** The literal values of a query, as they are written and as they are meant. */
export function hiddenInQuery(query: Template): readonly string[] {
  return fieldsOf(query).flatMap(({ name, value = name }) => value)
    .filter((part) => typeof part === "string")
    .flatMap((text) => [text, ...new URLSearchParams(`=${text}`).values()]);
}

function concealedQuery(query: Template): Template {
  const conceal = (parts: Template["parts"]) =>
    parts.map((part) => typeof part === "string" ? HIDDEN : part);
  const parts = fieldsOf(query).flatMap(({ name, value }, index) => [
    ...(index === 0 ? [] : ["&"]),
    ...(value === undefined ? conceal(name) : [...name, "=", ...conceal(value)]),
  ]);
  return { parts };
}

interface QueryField {
  readonly name: Template["parts"];
  readonly value?: Template["parts"];
}

/** The fields of a query. Gaps hold no separators: what goes into them is percent-encoded. */
function fieldsOf({ parts }: Template): readonly QueryField[] {
  const gaps = parts.filter((part) => typeof part !== "string");
  let number = 0;
  const marked = parts.map((part) => typeof part === "string" ? part : `\0${number++}\0`).join("");
  const unmark = (text: string): Template["parts"] =>
    text.split(MARK).map((piece, index) => index % 2 === 0 ? piece : gaps[Number(piece)]!)
      .filter((part) => part !== "");
  return marked.split("&").map((field) => {
    const [name = "", value] = field.split(/=(.*)/s);
    return { name: unmark(name), ...(value === undefined ? {} : { value: unmark(value) }) };
  });
}
