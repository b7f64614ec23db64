import type { Bytes, RecordHeader } from "../../core/event.ts";
import type { ErrorResponse, Result } from "../../core/handler.ts";
import type { HttpHandlerConfig } from "./config.ts";
import type { HttpResponse } from "./client/http_client.ts";
import { retryAfterMs } from "./retry_after.ts";

const TEXT_ENCODER = new TextEncoder();

/** How many values are kept encoded: enough for any endpoint that does not make up a new one each time. */
const MAX_ENCODED = 1000;
const MAX_ENCODED_LENGTH = 200;

/** Credentials that have expired and quotas that are used up concern every event, as do the endpoint's own failures. */
const SUGGEST_OUTAGE: ReadonlySet<number> = new Set([401, 403, 429]);

/** Too many requests (RFC 6585, 4), and an endpoint that is overloaded (RFC 9110, 15.6.4). */
const OVERLOAD: ReadonlySet<number> = new Set([429, 503]);

/** Statuses below 500 that say nothing of the event: request timeout, too early, too many requests. */
const ABOUT_SERVER: ReadonlySet<number> = new Set([408, 425, 429]);

/** What of a handler's section is about responses. */
type ResponseConfig = Pick<
  HttpHandlerConfig,
  "maxResponseBytes" | "maxRetryAfterMs" | "redirect" | "retry"
>;

/** Responses become results. */
export class ResponseResults {
  readonly #maxBytes: number;
  readonly #maxRetryAfterMs: number;
  readonly #transient: ReadonlySet<unknown>;
  /** From this status on, a response is an error. */
  readonly #firstError: number;
  readonly #encoded = new Map<string, Bytes>();

  constructor({ maxResponseBytes, maxRetryAfterMs, redirect, retry }: ResponseConfig) {
    this.#maxBytes = maxResponseBytes;
    this.#maxRetryAfterMs = maxRetryAfterMs;
    this.#transient = new Set(retry?.on);
    this.#firstError = redirect === "manual" ? 400 : 300;
  }

  /** @param value the decoded body; null when it is too large */
  from(response: HttpResponse, value: Bytes | null): Result {
    const { status, headers } = response;
    if (value === null) return this.#tooLarge(response);
    const result = {
      summary: `status ${status}`,
      value,
      headers: this.#headersOf(response),
      response,
    };
    if (status < this.#firstError) return { when: "onSuccess", ...result };
    const askedMs = retryAfterMs(headers.get("retry-after"), new Date().getTime());
    return {
      when: "onError",
      ...result,
      error: {
        status: `${status}`,
        isTransient: this.#transient.has(status),
        ...signsOf(status),
        ...(OVERLOAD.has(status) ? { isOverload: true } : {}),
        ...(askedMs === undefined
          ? {}
          : { retryAfterMs: Math.min(askedMs, this.#maxRetryAfterMs) }),
      },
    };
  }

  #headersOf({ status, headers }: HttpResponse): RecordHeader[] {
    const contentType = headers.get("content-type");
    const location = isRedirect(status) ? headers.get("location") : undefined;
    const result = [this.#header("eventor-status", `${status}`)];
    if (contentType !== undefined) result.unshift(this.#header("content-type", contentType));
    // Each may be another one, and none is worth being remembered.
    if (location !== undefined) result.push(["location", TEXT_ENCODER.encode(location)]);
    return result;
  }

  /** Calling again would bring the same, so this is a result: an error, whatever the status. */
  #tooLarge(response: HttpResponse): Result {
    const { status } = response;
    const reason = `response larger than maxResponseBytes (${this.#maxBytes} bytes)`;
    return {
      when: "onError",
      error: {
        status: `${status}`,
        isTransient: false,
        ...signsOf(status),
      },
      summary: `status ${status}, ${reason}`,
      value: new Uint8Array(),
      response,
      headers: [
        this.#header("eventor-status", `${status}`),
        this.#header("eventor-error", reason),
      ],
    };
  }

  #header(name: string, text: string): RecordHeader {
    let value = this.#encoded.get(text);
    if (value === undefined) {
      value = TEXT_ENCODER.encode(text);
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

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}
