import type { InboundEvent } from "../../core/event.ts";
import { formatTemplate, type Template, TemplateError } from "../../core/template.ts";
import { REDACTED } from "../../schema/url.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { marked, parseUrlTemplate, targetFor, type UrlTemplate } from "./url_template.ts";

/** Redacts path and query of requests. Of a query, only names and inserted values stay. */
export class RedactedTargets {
  readonly #template: UrlTemplate | null;
  /** The redacted texts of the query. */
  readonly hidden: readonly string[];

  constructor({ url, urlTemplate, redactedUrl }: HttpHandlerConfig) {
    this.hidden = literalValues(urlTemplate?.query ?? { parts: [new URL(url).search.slice(1)] });
    const template = redactedUrl === undefined && urlTemplate !== undefined
      ? urlTemplate
      : parseUrlTemplate(redactedUrl ?? { parts: [url] }, (text) => URL.parse(text));
    this.#template = template &&
      { ...template, query: template.query && redactedQuery(template.query) };
  }

  of(event: InboundEvent): string {
    try {
      return this.#template === null ? `/${REDACTED}` : targetFor(this.#template, event);
    } catch (error) {
      if (error instanceof TemplateError) return `/${REDACTED}`;
      throw error;
    }
  }
}

/** The target of a redirect, with the values of its query redacted: any may be a secret. */
export function redactedRedirect(target: string): string {
  const [path = "", query] = target.split(/\?(.*)/s);
  return query === undefined
    ? path
    : `${path}?${formatTemplate(redactedQuery({ parts: [query] }))}`;
}

/** The literal values of a query, as written and decoded. */
export function literalValues(query: Template): readonly string[] {
  return fieldsOf(query).flatMap(({ name, value = name }) => value.parts)
    .filter((part) => typeof part === "string")
    .flatMap((text) => [text, ...new URLSearchParams(`=${text}`).values()]);
}

/** Redacts the literal parts; inserted values stay. */
export function redactedLiterals({ parts }: Template): Template {
  return { parts: parts.map((part) => typeof part === "string" ? REDACTED : part) };
}

function redactedQuery(query: Template): Template {
  const parts = fieldsOf(query).flatMap(({ name, value }, index) => [
    ...(index === 0 ? [] : ["&"]),
    ...(value === undefined
      ? redactedLiterals(name).parts
      : [...name.parts, "=", ...redactedLiterals(value).parts]),
  ]);
  return { parts };
}

/** The fields of a query. Inserted values are percent-encoded, so they hold no separators. */
function fieldsOf(
  query: Template,
): readonly { readonly name: Template; readonly value?: Template }[] {
  const { text, unmark } = marked(query);
  return text.split("&").map((field) => {
    const [name = "", value] = field.split(/=(.*)/s);
    return { name: unmark(name), ...(value === undefined ? {} : { value: unmark(value) }) };
  });
}
