import type { Bytes, RecordHeader } from "../../core/event.ts";
import type { ErrorResponse, Result } from "../../core/handler.ts";
import { octets } from "../../core/octets.ts";
import type { HttpHandlerConfig } from "./config.ts";
import type { HttpResponse, UnusableResponse, UsableResponse } from "../http1/http_response.ts";

/** How many header values are kept encoded: enough unless the endpoint makes up new ones for each response. */
const MAX_ENCODED = 1000;
const MAX_ENCODED_LENGTH = 200;

/** Expired credentials and exhausted quotas affect every event, as 5xx does. */
const SUGGEST_OUTAGE: ReadonlySet<number> = new Set([401, 403, 429]);

/** Statuses below 500 that say nothing about the event: Request Timeout, Too Early, Too Many Requests. */
const ABOUT_SERVER: ReadonlySet<number> = new Set([408, 425, 429]);

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const TOO_MANY_REQUESTS = 429;

/** The keys of a handler's section that concern responses. */
type ResponseConfig = Pick<HttpHandlerConfig, "maxRetryAfterMs" | "redirect" | "retry"> & {
  readonly auth?: HttpHandlerConfig["auth"] | undefined;
};

export class ResponseResults {
  /** Whether requests carry credentials: only then does a status say that they are refused. */
  readonly #hasCredentials: boolean;
  readonly #maxRetryAfterMs: number;
  readonly #transient: ReadonlySet<unknown>;
  /** The lowest status of an error response. */
  readonly #firstError: number;
  readonly #encoded = new Map<string, Bytes>();

  constructor({ auth, maxRetryAfterMs, redirect, retry }: ResponseConfig) {
    this.#hasCredentials = auth !== undefined;
    this.#maxRetryAfterMs = maxRetryAfterMs;
    this.#transient = new Set(retry?.on);
    this.#firstError = redirect === "manual" ? 400 : 300;
  }

  /** @param response with its body decoded */
  from(response: HttpResponse): Result {
    if (response.body === null) return this.#unusable(response);
    const { status, body } = response;
    const result = {
      summary: `status ${status}`,
      value: body,
      headers: this.#headersOf(response),
      response,
    };
    return status < this.#firstError
      ? { when: "onSuccess", ...result }
      : { when: "onError", ...result, error: this.#errorOf(response) };
  }

  #errorOf(
    { status, headers }: HttpResponse,
    { isCutOff = false }: Pick<UnusableResponse, "isCutOff"> = {},
  ): ErrorResponse {
    const access = this.#hasCredentials ? accessShownBy(status) : {};
    if (status === null) {
      // Something that does not speak HTTP answers at the endpoint: this affects every event.
      return { isTransient: false, suggestsOutage: true, isAboutServer: true, ...access };
    }
    const askedMs = retryAfterMs(headers.get("retry-after"), new Date().getTime());
    return {
      status: `${status}`,
      isTransient: this.#transient.has(status) || isCutOff && this.#transient.has("noResponse"),
      ...signsOf(status),
      ...access,
      ...(isCutOff ? { isAboutServer: true } : {}),
      ...(askedMs === undefined ? {} : { retryAfterMs: Math.min(askedMs, this.#maxRetryAfterMs) }),
    };
  }

  #headersOf({ status, headers }: UsableResponse): RecordHeader[] {
    const contentType = headers.get("content-type");
    const location = isRedirect(status) ? headers.get("location") : undefined;
    const result = [this.#header("eventor-status", `${status}`)];
    if (contentType !== undefined) result.unshift(this.#header("content-type", contentType));
    // Not kept encoded: each location may be different.
    if (location !== undefined) result.push(["location", octets(location)]);
    return result;
  }

  /** An unusable response is an error response, whatever its status: the endpoint has answered. */
  #unusable(response: UnusableResponse): Result {
    const { status, headers, defect } = response;
    const headersOfResult = [this.#header("eventor-error", defect)];
    if (status !== null) headersOfResult.unshift(this.#header("eventor-status", `${status}`));
    return {
      when: "onError",
      error: this.#errorOf(response, response),
      summary: status === null ? defect : `status ${status}, ${defect}`,
      value: new Uint8Array(),
      headers: headersOfResult,
      ...(status === null ? {} : { response: { status, headers } }),
    };
  }

  #header(name: string, text: string): RecordHeader {
    let value = this.#encoded.get(text);
    if (value === undefined) {
      value = octets(text);
      const isKept = this.#encoded.size < MAX_ENCODED && text.length <= MAX_ENCODED_LENGTH;
      if (isKept) this.#encoded.set(text, value);
    }
    return [name, value];
  }
}

function signsOf(status: number): Pick<ErrorResponse, "suggestsOutage" | "isAboutServer"> {
  return {
    suggestsOutage: status >= 500 || SUGGEST_OUTAGE.has(status),
    isAboutServer: status >= 500 || ABOUT_SERVER.has(status),
  };
}

function accessShownBy(
  status: number | null,
): Pick<ErrorResponse, "refusal" | "isBeforeAccessCheck"> {
  const reason = `the endpoint refuses the credentials of 'auth' with ${status}`;
  if (status === UNAUTHORIZED) return { refusal: { reason } };
  if (status === FORBIDDEN) return { refusal: { reason, mayConcernEventOnly: true } };
  const isBeforeAccessCheck = status === null || status === TOO_MANY_REQUESTS || status >= 500;
  return isBeforeAccessCheck ? { isBeforeAccessCheck } : {};
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/**
 * The pause in milliseconds that a `Retry-After` asks for, in seconds or as a date (RFC 9110, 10.2.3); undefined if
 * there is none or it cannot be read.
 */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  // Dates begin with the name of a day; `Date.parse()` accepts more. The oldest form has no zone and means GMT.
  const isDate = /^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /.test(text);
  const atMs = isDate ? Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) : NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
