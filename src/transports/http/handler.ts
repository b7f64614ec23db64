import type { Bytes, InboundEvent } from "../../core/event.ts";
import { type Handler, HandlerError, type Result } from "../../core/handler.ts";
import type { Logger } from "../../core/log.ts";
import { TemplateError } from "../../core/template.ts";
import type { OpenContext } from "../../core/transport.ts";
import { type CallInFlight, CallsInFlight } from "./client/calls_in_flight.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { decodeBody } from "./content_encoding.ts";
import { describeFailure, mayHaveBeenSent } from "./failure.ts";
import { FetchClient } from "./client/fetch_client.ts";
import { type HttpClient, type HttpResponse, targetOf } from "./client/http_client.ts";
import { ResponseResults } from "./response_result.ts";
import { SocketClient } from "./client/socket_client.ts";
import { targetFor, withoutQuery } from "./url_template.ts";

const MAX_REDIRECTS = 5;

/** Sends each event to one endpoint; the response is the result. */
export class HttpHandler implements Handler {
  readonly #config: HttpHandlerConfig;
  readonly #log: Logger;
  readonly #url: URL;
  readonly #target: string;
  /** Method and URL without its query, which may hold secrets. */
  readonly #endpoint: string;
  readonly #fetchClient: FetchClient;
  readonly #socketClient: SocketClient;
  readonly #calls: CallsInFlight;
  readonly #results: ResponseResults;

  constructor(config: HttpHandlerConfig, { pipeline, log, limits }: OpenContext) {
    this.#config = config;
    this.#log = log;
    this.#url = new URL(config.url);
    this.#target = targetOf(this.#url);
    this.#endpoint = `${config.method} ${withoutQuery(config)}`;
    this.#fetchClient = new FetchClient(config, {
      pipeline,
      maxConnections: limits.concurrency,
    });
    this.#socketClient = new SocketClient(config, pipeline);
    this.#calls = new CallsInFlight(config.timeoutMs);
    this.#results = new ResponseResults(config);
  }

  async handle(event: InboundEvent, signal: AbortSignal, attempt = 1): Promise<Result> {
    this.#log.debug(() => `calling endpoint: '${this.#endpoint}'`);
    const call = this.#calls.begin(signal);
    try {
      call.throwIfGivenUp();
      const { urlTemplate } = this.#config;
      const target = urlTemplate === undefined ? this.#target : targetFor(urlTemplate, event);
      let response = await this.#clientFor(event).send(event, { target, attempt }, call);
      if (isRepetition(response) && this.#config.redirect === "follow") {
        response = await this.#follow(response, event, { call, target, attempt });
      }
      const value = await this.#valueOf(response);
      call.throwIfGivenUp();
      return this.#results.from(response, value);
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      const cause = call.reason ?? error;
      const reason = describeFailure(cause, this.#config.timeoutMs);
      const message = `no response from '${this.#endpoint}': ${reason}`;
      throw new HandlerError(message, { cause, wasSent: mayHaveBeenSent(cause) });
    } finally {
      this.#calls.end(call);
    }
  }

  #clientFor({ value }: InboundEvent): HttpClient {
    const isLarge = value !== null && value.length > SocketClient.MAX_BODY_BYTES;
    return isLarge || this.#url.protocol === "https:" ? this.#fetchClient : this.#socketClient;
  }

  async #follow(
    redirect: HttpResponse,
    event: InboundEvent,
    { call, target, attempt }: { call: CallInFlight; target: string; attempt: number },
  ): Promise<HttpResponse> {
    let [response, url] = [redirect, new URL(this.#url.origin + target)];
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const next = sameOriginTarget(response, url);
      if (next === null) break;
      url = next;
      response = await this.#clientFor(event).send(event, { target: targetOf(url), attempt }, call);
    }
    return response;
  }

  #valueOf({ headers, body }: HttpResponse): Bytes | null | Promise<Bytes | null> {
    const contentEncoding = headers.get("content-encoding");
    if (body === null || contentEncoding === undefined) return body;
    return decodeBody(body, contentEncoding, this.#config.maxResponseBytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#calls[Symbol.dispose]();
    this.#socketClient[Symbol.dispose]();
    this.#fetchClient[Symbol.dispose]();
    return Promise.resolve();
  }
}

/** Whether the same request is asked for at another place: 307 and 308 (RFC 9110, 15.4.8 and 15.4.9). */
function isRepetition({ status }: HttpResponse): boolean {
  return status === 307 || status === 308;
}

function sameOriginTarget(response: HttpResponse, url: URL): URL | null {
  const location = response.headers.get("location");
  if (!isRepetition(response) || location === undefined) return null;
  const target = URL.parse(location, url);
  return target?.origin === url.origin ? target : null;
}
