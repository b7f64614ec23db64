import type { InboundEvent } from "../../core/event.ts";
import { type Handler, HandlerError, type Result } from "../../core/handler.ts";
import type { Logger } from "../../core/log.ts";
import { TemplateError } from "../../core/template.ts";
import type { OpenContext } from "../../core/transport.ts";
import { type CallInFlight, CallsInFlight } from "../http1/calls_in_flight.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { decodedResponse } from "../http1/content_encoding.ts";
import { describeFailure, isLocal, isRefusal, mayHaveBeenSent } from "../http1/failure.ts";
import type { HttpResponse } from "../http1/http_response.ts";
import { targetOf } from "../http1/server.ts";
import { HttpClient } from "./client.ts";
import { ResponseResults } from "./response_result.ts";
import type { AccessToken, TokenSource } from "../oauth2/token_source.ts";
import { percentEncode } from "./percent_encoding.ts";
import type { RequestTarget } from "./request_writer.ts";
import { UnclosedConnectionsError } from "../http1/unclosed_connections.ts";
import { targetFor } from "./url_template.ts";

const MAX_REDIRECTS = 5;
const UNAUTHORIZED = 401;
const NOT_ASCII = /[\x80-\xff]/g;

/** Sends each event to one endpoint; the response is the result. */
export class HttpHandler implements Handler {
  readonly mayBeRefused: boolean;
  readonly #config: HttpHandlerConfig;
  readonly #log: Logger;
  readonly #url: URL;
  readonly #target: string;
  readonly #client: HttpClient;
  readonly #calls: CallsInFlight;
  readonly #results: ResponseResults;
  readonly #tokens: TokenSource | undefined;

  /** @param tokens for `auth` of type `oauth2`; disposed of with the handler */
  constructor(
    config: HttpHandlerConfig,
    context: OpenContext,
    { tokens }: { tokens?: TokenSource | undefined } = {},
  ) {
    this.mayBeRefused = config.auth !== undefined || config.url.startsWith("https:");
    this.#config = config;
    this.#log = context.log;
    this.#url = new URL(config.url);
    this.#target = targetOf(this.#url);
    this.#client = new HttpClient(config, context);
    this.#calls = new CallsInFlight(config.timeoutMs);
    this.#results = new ResponseResults(config);
    this.#tokens = tokens;
  }

  /** Replaces the credentials. The remaining configuration is the same. */
  update(config: HttpHandlerConfig): void {
    this.#client.update(config);
    if (config.auth?.type === "oauth2") this.#tokens?.update(config.auth);
  }

  async handle(event: InboundEvent, signal: AbortSignal, attempt = 1): Promise<Result> {
    // Benchmarks cover this path: a call without a token must not await or allocate anything for one.
    const token = this.#tokens && (this.#tokens.current ?? await this.#newToken(signal));
    this.#log.debug(() => `calling endpoint: '${this.#client.endpoint}'`);
    const call = this.#calls.begin(signal);
    try {
      call.throwIfGivenUp();
      const { urlTemplate } = this.#config;
      const target = urlTemplate === undefined ? this.#target : targetFor(urlTemplate, event);
      const request = { target, attempt, authorization: token && bearer(token) };
      let response = await this.#client.send(event, request, call);
      if (this.#isFollowed(response)) {
        response = await this.#follow(response, event, { call, request });
      }
      if (token !== undefined && response.status === UNAUTHORIZED) {
        response = await this.#callAgain(event, { token, request }, call);
      }
      const answer = await decodedResponse(response, this.#config.maxResponseBytes);
      call.throwIfAborted();
      return this.#results.from(answer);
    } catch (error) {
      if (error instanceof TemplateError || error instanceof UnclosedConnectionsError) throw error;
      throw this.#noResponse(call.reason ?? error);
    } finally {
      this.#calls.end(call);
    }
  }

  /** The wait is not part of the call's `timeout`: one token request serves all waiting calls. */
  async #newToken(signal: AbortSignal): Promise<AccessToken | undefined> {
    try {
      return await this.#tokens?.token(signal);
    } catch (error) {
      if (error instanceof UnclosedConnectionsError) throw error;
      throw this.#noResponse(error);
    }
  }

  /** After a 401, calls once more with a new token: the old one may be revoked. */
  async #callAgain(
    event: InboundEvent,
    { token, request }: { token: AccessToken; request: RequestTarget },
    call: CallInFlight,
  ): Promise<HttpResponse> {
    const givenUp = new AbortController();
    call.onGivenUp((reason) => givenUp.abort(reason));
    this.#tokens?.reject(token);
    const next = await this.#tokens?.token(givenUp.signal);
    const again = { ...request, authorization: next && bearer(next) };
    const response = await this.#client.send(event, again, call);
    return this.#isFollowed(response)
      ? await this.#follow(response, event, { call, request: again })
      : response;
  }

  #noResponse(cause: unknown): HandlerError {
    const reason = describeFailure(cause, this.#config.timeoutMs);
    const message = `no response from '${this.#client.endpoint}': ${reason}`;
    return new HandlerError(message, {
      cause,
      wasSent: mayHaveBeenSent(cause),
      isLocal: isLocal(cause),
      isRefusal: isRefusal(cause),
    });
  }

  #isFollowed(response: HttpResponse): boolean {
    return isRepetition(response) && this.#config.redirect === "follow";
  }

  async #follow(
    redirect: HttpResponse,
    event: InboundEvent,
    { call, request }: { call: CallInFlight; request: RequestTarget },
  ): Promise<HttpResponse> {
    let [response, url] = [redirect, new URL(this.#url.origin + request.target)];
    const called = new Set([targetOf(url)]);
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const followed = sameOriginTarget(response, url);
      if (followed === null) break;
      url = followed;
      const next = { ...request, target: targetOf(url), isRedirected: true };
      if (called.has(next.target)) {
        return { ...response, body: null, defect: "redirect loop" };
      }
      called.add(next.target);
      response = await this.#client.send(event, next, call);
    }
    return response;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#tokens?.[Symbol.dispose]();
    this.#calls[Symbol.dispose]();
    this.#client[Symbol.dispose]();
    return Promise.resolve();
  }
}

/** Whether the response redirects the same request: 307 and 308 (RFC 9110, 15.4.8 and 15.4.9). */
function isRepetition({ status }: HttpResponse): boolean {
  return status === 307 || status === 308;
}

function sameOriginTarget(response: HttpResponse, url: URL): URL | null {
  const location = response.headers.get("location");
  if (!isRepetition(response) || location === undefined) return null;
  // The header has one character for each byte, and `URL.parse()` would encode each one as UTF-8.
  const target = URL.parse(percentEncode(location, NOT_ASCII), url);
  return target?.origin === url.origin ? target : null;
}

function bearer({ value }: AccessToken): string {
  return `Bearer ${value}`;
}
