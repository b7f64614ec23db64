import type { Bytes, InboundEvent } from "../../event.ts";
import { type Handler, HandlerError, type Result } from "../../handler.ts";
import type { Logger } from "../../log.ts";
import type { OpenContext } from "../../transport.ts";
import { CallsInFlight } from "./calls_in_flight.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { describeFailure } from "./failure.ts";
import { type HeaderList, RequestHeaders } from "./request_headers.ts";
import { readBody } from "./response_body.ts";
import { ResponseResults } from "./response_result.ts";

const MAX_REDIRECTS = 5;

/** Below the 5 s after which Node.js and others close a connection: no call is sent into one that is about to close. */
const MAX_IDLE_MS = 4000;

/** Methods for which fetch refuses a body. */
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

const EMPTY = new Uint8Array();

/** What is added to the request that all calls have in common. */
interface Call {
  readonly body: Bytes | null;
  readonly headers: HeaderList;
  readonly client: Deno.HttpClient;
  readonly signal: AbortSignal;
}

/** Sends each event to one endpoint; the response is the result. */
export class HttpHandler implements Handler {
  readonly #config: HttpHandlerConfig;
  readonly #log: Logger;
  /** Method and URL without its query, which may hold secrets. */
  readonly #endpoint: string;
  readonly #client: Deno.HttpClient;
  /** What all calls have in common: with it, `fetch` need not parse the URL each time. */
  readonly #request: Request;
  readonly #headers: RequestHeaders;
  readonly #calls: CallsInFlight;
  readonly #results: ResponseResults;

  constructor(config: HttpHandlerConfig, { log, limits }: OpenContext) {
    this.#config = config;
    this.#log = log;
    const { origin, pathname } = new URL(config.url);
    this.#endpoint = `${config.method} ${origin}${pathname}`;
    this.#client = Deno.createHttpClient({
      // HTTP/2 connections that die in silence are never replaced by the runtime's pool; HTTP/1.1 ones are.
      http1: true,
      http2: false,
      poolMaxIdlePerHost: limits.concurrency,
      poolIdleTimeout: MAX_IDLE_MS,
    });
    this.#request = this.#requestTo(config.url);
    this.#headers = new RequestHeaders(config.headers);
    this.#calls = new CallsInFlight(config.timeoutMs);
    this.#results = new ResponseResults(config);
  }

  async handle(event: InboundEvent, signal: AbortSignal): Promise<Result> {
    this.#log.debug(() => `calling endpoint: '${this.#endpoint}'`);
    const { method, maxResponseBytes, timeoutMs } = this.#config;
    const inFlight = this.#calls.begin(signal);
    const call = {
      body: WITHOUT_BODY.has(method) ? null : event.value ?? EMPTY,
      headers: this.#headers.for(event),
      client: this.#client,
      signal: inFlight.controller.signal,
    };
    try {
      let response = await fetch(this.#request, call);
      if (isRepetition(response)) response = await this.#follow(response, call);
      // The deadline covers the body as well: an endpoint may stall after its headers.
      const body = await readBody(response, maxResponseBytes);
      return this.#results.from(response, body);
    } catch (error) {
      const cause = call.signal.aborted ? call.signal.reason : error;
      throw new HandlerError(
        `no response from '${this.#endpoint}': ${describeFailure(cause, timeoutMs)}`,
        { cause },
      );
    } finally {
      this.#calls.end(inFlight);
    }
  }

  async #follow(redirect: Response, call: Call): Promise<Response> {
    let response = redirect;
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const target = sameOriginTarget(response, this.#request.url);
      if (target === null) break;
      await response.body?.cancel();
      response = await fetch(this.#requestTo(target), call);
    }
    return response;
  }

  #requestTo(url: string): Request {
    return new Request(url, { method: this.#config.method, redirect: "manual" });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#calls[Symbol.dispose]();
    this.#client.close();
    return Promise.resolve();
  }
}

/** Whether the same request is asked for at another place: 307 and 308 (RFC 9110, 15.4.8 and 15.4.9). */
function isRepetition({ status }: Response): boolean {
  return status === 307 || status === 308;
}

function sameOriginTarget(response: Response, url: string): string | null {
  const location = response.headers.get("location");
  if (!isRepetition(response) || location === null) return null;
  const target = URL.parse(location, url);
  return target?.origin === new URL(url).origin ? target.href : null;
}
