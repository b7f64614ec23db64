import type { Bytes, InboundEvent } from "../../event.ts";
import { type Handler, HandlerError, type Result } from "../../handler.ts";
import type { Logger } from "../../log.ts";
import type { OpenContext } from "../../transport.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { describeFailure } from "./failure.ts";
import { VERSION } from "../../version.ts";

const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();
const DEFAULT_CONTENT_TYPE = "application/text";
const MAX_REDIRECTS = 5;

/** What RFC 9110 (5.5) admits in a field value and fetch can send. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Methods for which fetch refuses a body. */
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

/** Sends each event to one endpoint; the response is the result. */
export class HttpHandler implements Handler {
  readonly #config: HttpHandlerConfig;
  readonly #log: Logger;
  readonly #url: URL;
  /** Method and URL without its query, which may hold secrets. */
  readonly #endpoint: string;
  readonly #headers: Headers;
  readonly #namesContentType: boolean;
  // HTTP/2 connections that die in silence are never replaced by the runtime's pool; HTTP/1.1 ones are.
  readonly #client = Deno.createHttpClient({ http1: true, http2: false });

  constructor(config: HttpHandlerConfig, { log }: OpenContext) {
    this.#config = config;
    this.#log = log;
    this.#url = new URL(config.url);
    this.#endpoint = `${config.method} ${this.#url.origin}${this.#url.pathname}`;
    this.#headers = new Headers(config.headers.map(([name, value]) => [name, value]));
    this.#namesContentType = this.#headers.has("content-type");
    setIfAbsent(this.#headers, "accept-encoding", "identity");
    setIfAbsent(this.#headers, "user-agent", `eventor/${VERSION}`);
  }

  async handle(event: InboundEvent, signal: AbortSignal): Promise<Result> {
    this.#log.debug(() => `calling endpoint: '${this.#endpoint}'`);
    const deadline = new AbortController();
    const giveUp = () => deadline.abort(signal.reason);
    const timer = setTimeout(
      () => deadline.abort(new DOMException("", "TimeoutError")),
      this.#config.timeoutMs,
    );
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    try {
      const response = await this.#request(event, deadline.signal);
      // The deadline covers the body as well: an endpoint may stall after its headers.
      return toResult(response, new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      throw new HandlerError(
        `no response from '${this.#endpoint}': ${describeFailure(error, this.#config.timeoutMs)}`,
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Follows only what repeats the same request at the same origin: 307 and 308 (RFC 9110, 15.4.8 and 15.4.9). */
  async #request(event: InboundEvent, signal: AbortSignal): Promise<Response> {
    const { method } = this.#config;
    const request = {
      method,
      headers: this.#requestHeaders(event),
      body: WITHOUT_BODY.has(method) ? null : event.value ?? new Uint8Array(),
      redirect: "manual",
      client: this.#client,
      signal,
    } as const;
    let response = await fetch(this.#url, request);
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const target = sameRequestElsewhere(response, this.#url);
      if (target === null) break;
      await response.body?.cancel();
      response = await fetch(target, request);
    }
    return response;
  }

  #requestHeaders(event: InboundEvent): Headers {
    if (this.#namesContentType) return this.#headers;
    const headers = new Headers(this.#headers);
    headers.set("content-type", contentTypeOf(event) ?? DEFAULT_CONTENT_TYPE);
    return headers;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }
}

function setIfAbsent(headers: Headers, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value);
}

function contentTypeOf({ headers }: InboundEvent): string | null {
  const header = headers.find(([name]) => name.toLowerCase() === "content-type");
  const value = header?.[1] ? TEXT_DECODER.decode(header[1]).trim() : "";
  return FIELD_VALUE.test(value) ? value : null;
}

function sameRequestElsewhere({ status, headers }: Response, url: URL): URL | null {
  const location = headers.get("location");
  if (!(status === 307 || status === 308) || location === null) return null;
  const target = URL.parse(location, url);
  return target?.origin === url.origin ? target : null;
}

function toResult({ status, headers }: Response, value: Bytes): Result {
  const contentType = headers.get("content-type");
  return {
    when: status < 300 ? "onSuccess" : "onError",
    summary: `status ${status}`,
    value,
    headers: [
      ...(contentType === null
        ? []
        : [["content-type", TEXT_ENCODER.encode(contentType)] as const]),
      ["eventor-status", TEXT_ENCODER.encode(`${status}`)],
    ],
  };
}
