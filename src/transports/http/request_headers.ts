import { Buffer } from "node:buffer";
import type { InboundEvent } from "../../core/event.ts";
import { fill, type Template, TemplateError } from "../../core/template.ts";
import { VERSION } from "../../version.ts";
import type { HttpHandlerConfig } from "./config.ts";
import type { AuthConfig } from "./config_auth.ts";
import { EventHeaders } from "./event_headers.ts";
import { ForwardedHeaders } from "./forwarded_headers.ts";
import { headerValue, MAX_HEADER_BYTES } from "./percent_encoding.ts";

const TEXT_DECODER = new TextDecoder();
const DEFAULT_CONTENT_TYPE = "application/text";

const MAX_NAME_LENGTH = 64;

const DEFAULTS: HeaderList = [
  ["accept", "*/*"],
  ["accept-encoding", "identity"],
  ["user-agent", `eventor/${VERSION}`],
];

/** The characters that RFC 9110 (5.5) allows in a field value. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Methods without a defined meaning for a body (RFC 9110, 9.3). */
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

/** Limit of all headers made from an event. With more, its writer could make servers refuse every call. */
const MAX_BYTES = 32 * 1024;

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The headers of requests: configured ones, defaults, and headers made from the event. */
export class RequestHeaders {
  /** The same in all requests. */
  readonly common: HeaderList;
  readonly #templates: readonly (readonly [name: string, value: Template])[];
  readonly #forwarded: ForwardedHeaders;
  /** Defaults that a forwarded header of the event replaces. */
  readonly #replaceable: HeaderList;
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
    const defaults = DEFAULTS.filter(([name]) => !names.has(name));
    this.#forwarded = new ForwardedHeaders(forwardHeaders, names);
    this.#replaceable = defaults.filter(([name]) => this.#forwarded.hasName(name));
    this.common = [
      ...constants,
      ...defaults.filter(([name]) => !this.#forwarded.hasName(name)),
    ];
    this.#templates = templates;
    this.#hasContentType = names.has("content-type");
    this.#eventHeaders = new EventHeaders(
      pipeline,
      new Set([...names, ...forwardHeaders.map((name) => name.toLowerCase())]),
    );
  }

  /**
   * The headers of an event's requests in addition to `common`.
   *
   * @param attempt number of the call for this event, from 1
   * @throws {TemplateError} when a placeholder has no value, or headers are too large
   */
  of(event: InboundEvent, attempt: number): HeaderList {
    const headers = [...this.#eventHeaders.of(event, attempt)];
    if (!this.#hasContentType) headers.push(["content-type", contentTypeOf(event)]);
    for (const [name, template] of this.#templates) {
      headers.push([name, fill(template, { event }, headerValue)]);
    }
    if (!this.#forwarded.isEmpty) {
      headers.push(...this.#forwarded.of(event));
      headers.push(...this.#replaceable.filter(([name]) => !hasHeader(headers, name)));
    }
    requireFitting(headers);
    return headers;
  }
}

/** The header with credentials, if it is the same in all requests. */
function constantAuthHeader(
  auth: AuthConfig | undefined,
): readonly [name: string, value: string] | undefined {
  switch (auth?.type) {
    case "basic": {
      const credentials = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
      return ["authorization", `Basic ${credentials}`];
    }
    case "bearer":
      return ["authorization", `Bearer ${auth.token}`];
    case "apiKey":
      return [auth.header, auth.key];
    case "oauth2":
    case undefined:
      return undefined;
  }
}

function hasHeader(headers: HeaderList, lowerCase: string): boolean {
  return headers.some(([name]) => name.toLowerCase() === lowerCase);
}

/** Checks the limits; each character is one byte. */
function requireFitting(headers: HeaderList): void {
  let sum = 0;
  for (const [name, value] of headers) {
    const bytes = name.length + value.length;
    if (bytes > MAX_HEADER_BYTES) {
      throw new TemplateError(
        `request header ${shortened(name)} would be at least ${bytes} bytes with its name; ` +
          `the limit is ${MAX_HEADER_BYTES}`,
      );
    }
    sum += bytes;
  }
  if (sum > MAX_BYTES) {
    throw new TemplateError(
      `request headers made from the event would be ${sum} bytes; the limit is ${MAX_BYTES}`,
    );
  }
}

/** Shortened: with a pattern in `forwardHeaders`, the writer of the event chooses the name. */
function shortened(name: string): string {
  return name.length > MAX_NAME_LENGTH ? `'${name.slice(0, MAX_NAME_LENGTH)}...'` : `'${name}'`;
}

/** The event's `content-type` header, or the default if that is missing or invalid. */
function contentTypeOf({ headers }: InboundEvent): string {
  const header = headers.find(([name]) => name.toLowerCase() === "content-type");
  const value = header?.[1] ? TEXT_DECODER.decode(header[1]).trim() : "";
  return FIELD_VALUE.test(value) ? value : DEFAULT_CONTENT_TYPE;
}

/** Whether requests have a body; `method` is in upper case. */
export function hasBody(method: string): boolean {
  return !WITHOUT_BODY.has(method);
}
