import type { InboundEvent } from "../../core/event.ts";
import { LogThrottle } from "../../core/log_throttle.ts";
import type { OpenContext } from "../../core/transport.ts";
import { withoutQuery } from "../../schema/url.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { isClosed } from "../http1/failure.ts";
import { serverOf } from "../http1/server.ts";
import { UnansweredClientError } from "../http1/tls_failure.ts";
import type { CallInFlight } from "../http1/calls_in_flight.ts";
import { ConnectionPool } from "../http1/connection_pool.ts";
import { HeadReader } from "../http1/head_reader.ts";
import type { HttpResponse } from "../http1/http_response.ts";
import { CallPreview } from "./call_preview.ts";
import { type RequestTarget, RequestWriter } from "./request_writer.ts";
import { ResponseReader } from "../http1/response_reader.ts";
import { openStream } from "../http1/stream.ts";
import { UnclosedConnections } from "../http1/unclosed_connections.ts";

/**
 * Sends requests to one endpoint by HTTP/1.1, with or without TLS. It does not decode bodies. It repeats a request only
 * if a kept connection turns out to be closed; the caller decides about all retries.
 */
export class HttpClient implements Disposable {
  /** For the log: method and URL without its query, which may hold secrets. */
  readonly endpoint: string;
  readonly #pipeline: string;
  #requests: RequestWriter;
  readonly #connections: ConnectionPool;
  readonly #preview: CallPreview | undefined;
  readonly #hasCertificate: boolean;
  #hasAnswer = false;

  constructor(config: HttpHandlerConfig, { pipeline, log, observer }: OpenContext) {
    const endpoint = `${config.method} ${withoutQuery(config.url, config.redactedUrl)}`;
    this.endpoint = endpoint;
    this.#preview = observer && new CallPreview(config, observer);
    const heads = new HeadReader(config.method);
    const url = new URL(config.url);
    const tls = url.protocol === "https:" ? config.tls ?? {} : undefined;
    const throttle = new LogThrottle();
    const unclosed = new UnclosedConnections();
    const target = { server: serverOf(url), tls };
    this.#hasCertificate = tls?.cert !== undefined;
    this.#pipeline = pipeline;
    this.#requests = new RequestWriter(config, pipeline);
    this.#connections = new ConnectionPool({
      open: (signal) => openStream(target, { signal, unclosed }),
      newReader: () => new ResponseReader(heads, config.maxResponseBytes),
      unclosed,
      now: () => performance.now(),
      onRepeated: () =>
        log.debug(() =>
          `the endpoint closed an idle connection before it responded; sending again on a new one: '${endpoint}'`
        ),
      onSurplus() {
        if (throttle.allows("surplus") === "no") return;
        log.warn(
          `'${endpoint}' sent bytes after a complete response; closing the connection, because they could be ` +
            "mistaken for the next response: look for a wrong Content-Length, or for two responses to one request, " +
            "at the endpoint and its proxies",
        );
      },
    });
  }

  /** Uses other credentials from now on. */
  update(config: HttpHandlerConfig): void {
    this.#requests = new RequestWriter(config, this.#pipeline);
  }

  /** @throws {Error} for `describeFailure()`: no complete head arrived, or the call was given up */
  send(event: InboundEvent, target: RequestTarget, call: CallInFlight): Promise<HttpResponse> {
    const request = this.#requests.write(event, target);
    this.#preview?.sent(request, event, target);
    const exchange = this.#connections.exchange(request, call);
    const response = this.#hasCertificate && !this.#hasAnswer
      ? this.#firstAnswer(exchange)
      : exchange;
    return this.#preview?.received(response) ?? response;
  }

  async #firstAnswer(response: Promise<HttpResponse>): Promise<HttpResponse> {
    try {
      const first = await response;
      this.#hasAnswer = true;
      return first;
    } catch (error) {
      throw isClosed(error) && !this.#hasAnswer
        ? new UnansweredClientError({ cause: error })
        : error;
    }
  }

  [Symbol.dispose](): void {
    this.#connections[Symbol.dispose]();
  }
}
