import type { InboundEvent } from "../../core/event.ts";
import { fill, type Template } from "../../core/template.ts";
import { constantAuthHeader } from "./auth/header.ts";
import { VERSION } from "../../version.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { EventHeaders } from "./event_headers.ts";
import { headerValue } from "./header_value.ts";

const TEXT_DECODER = new TextDecoder();
const DEFAULT_CONTENT_TYPE = "application/text";

/** What RFC 9110 (5.5) admits in a field value. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Methods for whose content RFC 9110 (9.3) knows no meaning. */
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

/** Names with values. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The headers of requests: the configured ones, and what a request needs besides. */
export class RequestHeaders {
  /** What all requests have. */
  readonly common: HeaderList;
  readonly #templates: readonly (readonly [name: string, value: Template])[];
  readonly #forwarded: ReadonlyMap<string, string>;
  readonly #hasContentType: boolean;
  readonly #eventHeaders: EventHeaders;

  constructor(
    { headers, forwardHeaders, auth }: Pick<
      HttpHandlerConfig,
      "headers" | "forwardHeaders" | "auth"
    >,
    pipeline: string,
  ) {
    const names = new Set(headers.map(([name]) => name.toLowerCase()));
    const constants: [string, string][] = [];
    const templates: [string, Template][] = [];
    for (const [name, value] of headers) {
      if (typeof value === "string") constants.push([name, value]);
      else templates.push([name, value]);
    }
    const authHeader = constantAuthHeader(auth);
    if (authHeader !== undefined) {
      constants.push([...authHeader]);
      names.add(authHeader[0].toLowerCase());
    }
    const defaults: HeaderList = [
      ["accept", "*/*"],
      ["accept-encoding", "identity"],
      ["user-agent", `eventor/${VERSION}`],
    ];
    this.common = [...constants, ...defaults.filter(([name]) => !names.has(name))];
    this.#templates = templates;
    this.#forwarded = new Map(
      forwardHeaders.map((name) => [name.toLowerCase(), name] as const)
        .filter(([lowerCase]) => !names.has(lowerCase)),
    );
    this.#hasContentType = names.has("content-type");
    this.#eventHeaders = new EventHeaders(pipeline, names);
  }

  /**
   * What the requests for an event have besides.
   *
   * @param attempt which call for it it is, 1 for the first
   * @throws {TemplateError} when there is nothing for a gap of a configured header
   */
  of(event: InboundEvent, attempt: number): HeaderList {
    const headers = [...this.#eventHeaders.of(event, attempt)];
    if (!this.#hasContentType) headers.push(["content-type", contentTypeOf(event)]);
    for (const [name, template] of this.#templates) {
      headers.push([name, fill(template, { event }, headerValue)]);
    }
    if (this.#forwarded.size > 0) headers.push(...this.#forwardedOf(event));
    return headers;
  }

  *#forwardedOf({ headers }: InboundEvent): Generator<readonly [name: string, value: string]> {
    for (const [eventName, value] of headers) {
      const name = this.#forwarded.get(eventName.toLowerCase());
      if (name !== undefined && value !== null) yield [name, headerValue(value)];
    }
  }
}

/** The content type of an event. */
function contentTypeOf({ headers }: InboundEvent): string {
  const header = headers.find(([name]) => name.toLowerCase() === "content-type");
  const value = header?.[1] ? TEXT_DECODER.decode(header[1]).trim() : "";
  return FIELD_VALUE.test(value) ? value : DEFAULT_CONTENT_TYPE;
}

/** Whether the value of an event is sent with a method, which is in upper case. */
export function hasBody(method: string): boolean {
  return !WITHOUT_BODY.has(method);
}
