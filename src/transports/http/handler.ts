import type { Bytes, InboundEvent } from "../../event.ts";
import { type Handler, HandlerError, type Result } from "../../handler.ts";
import type { Logger } from "../../log.ts";
import type { OpenContext } from "../../transport.ts";
import { type CallInFlight, CallsInFlight } from "./calls_in_flight.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { ConnectionPool } from "./connection_pool.ts";
import { decodeBody } from "./content_encoding.ts";
import { describeFailure } from "./failure.ts";
import { HeadReader } from "./head_reader.ts";
import { RequestWriter, targetOf } from "./request_writer.ts";
import { type HttpResponse, ResponseReader } from "./response_reader.ts";
import { ResponseResults } from "./response_result.ts";
import { serverOf } from "./server.ts";

const MAX_REDIRECTS = 5;

/** Sends each event to one endpoint; the response is the result. */
export class HttpHandler implements Handler {
  readonly #config: HttpHandlerConfig;
  readonly #log: Logger;
  readonly #url: URL;
  /** Method and URL without its query, which may hold secrets. */
  readonly #endpoint: string;
  readonly #connections: ConnectionPool;
  readonly #requests: RequestWriter;
  readonly #calls: CallsInFlight;
  readonly #results: ResponseResults;

  constructor(config: HttpHandlerConfig, { log }: OpenContext) {
    this.#config = config;
    this.#log = log;
    this.#url = new URL(config.url);
    this.#endpoint = `${config.method} ${this.#url.origin}${this.#url.pathname}`;
    const heads = new HeadReader(config.method);
    this.#connections = new ConnectionPool(
      serverOf(this.#url),
      () => new ResponseReader(heads, config.maxResponseBytes),
    );
    this.#requests = new RequestWriter(config);
    this.#calls = new CallsInFlight(config.timeoutMs);
    this.#results = new ResponseResults(config);
  }

  async handle(event: InboundEvent, signal: AbortSignal): Promise<Result> {
    this.#log.debug(() => `calling endpoint: '${this.#endpoint}'`);
    const call = this.#calls.begin(signal);
    try {
      if (call.reason !== undefined) throw call.reason;
      let response = await this.#connections.exchange(this.#requests.write(event), call);
      if (isRepetition(response)) response = await this.#follow(response, event, call);
      return this.#results.from(response, await this.#valueOf(response));
    } catch (error) {
      const reason = describeFailure(error, this.#config.timeoutMs);
      throw new HandlerError(`no response from '${this.#endpoint}': ${reason}`, { cause: error });
    } finally {
      this.#calls.end(call);
    }
  }

  async #follow(
    redirect: HttpResponse,
    event: InboundEvent,
    call: CallInFlight,
  ): Promise<HttpResponse> {
    let [response, url] = [redirect, this.#url];
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const next = sameOriginTarget(response, url);
      if (next === null) break;
      url = next;
      response = await this.#connections.exchange(this.#requests.write(event, targetOf(url)), call);
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
    this.#connections[Symbol.dispose]();
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
