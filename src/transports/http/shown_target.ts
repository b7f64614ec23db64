import { HIDDEN } from "../../schema/url.ts";
import type { InboundEvent } from "../../core/event.ts";
import { formatTemplate, type Template, TemplateError } from "../../core/template.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { parseUrlTemplate, targetFor, type UrlTemplate } from "./url_template.ts";

/** Marks a placeholder while a query is split; it cannot occur in a URL. */
const MARK = /\0(\d+)\0/;

/** Redacts paths and queries for display. Of a query, only names and inserted values are shown. */
export class ShownTargets {
  readonly #template: UrlTemplate | null;
  /** The redacted texts of the query. */
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

/** The target of a redirect, with the values of its query redacted: any may be a secret. */
export function shownRedirect(target: string): string {
  const [path = "", query] = target.split(/\?(.*)/s);
  return query === undefined
    ? path
    : `${path}?${formatTemplate(concealedQuery({ parts: [query] }))}`;
}

/** The literal values of a query, as written and decoded. */
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

/** The fields of a query. Inserted values are percent-encoded, so they hold no separators. */
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
