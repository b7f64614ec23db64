import type { InboundEvent } from "../../../core/event.ts";
import { ToldReasons } from "../../../core/failures/told_reasons.ts";
import type { Logger } from "../../../core/log.ts";
import type { HttpHandlerConfig } from "../config.ts";
import { isClosed } from "../../http1/failure.ts";
import { serverOf } from "../../http1/server.ts";
import { UnansweredClientError } from "../../http1/tls_failure.ts";
import type { CallInFlight } from "../../http1/calls_in_flight.ts";
import { ConnectionPool } from "../../http1/connection_pool.ts";
import { HeadReader } from "../../http1/head_reader.ts";
import type { HttpResponse } from "../../http1/http_response.ts";
import type { HttpClient, RequestHead, RequestTarget } from "./http_client.ts";
import { RequestWriter } from "./request_writer.ts";
import { ResponseReader } from "../../http1/response_reader.ts";
import { openStream } from "../../http1/stream.ts";
import { UnclosedConnections } from "../../http1/unclosed_connections.ts";

export interface SocketClientContext {
  readonly pipeline: string;
  readonly log: Logger;
  /** The endpoint's name in the log. */
  readonly endpoint: string;
}

/** Speaks HTTP/1.1 on its own connections, with or without TLS. It does not decode bodies. */
export class SocketClient implements HttpClient {
  readonly #pipeline: string;
  #requests: RequestWriter;
  readonly #connections: ConnectionPool;
  readonly #hasCertificate: boolean;
  #hasAnswer = false;

  constructor(config: HttpHandlerConfig, { pipeline, log, endpoint }: SocketClientContext) {
    const heads = new HeadReader(config.method);
    const url = new URL(config.url);
    const tls = url.protocol === "https:" ? config.tls ?? {} : undefined;
    const told = new ToldReasons({ times: 1 });
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
    }, {
      onRepeated: () =>
        log.debug(() =>
          `the endpoint closed a kept connection before it responded; sending again on a new one: '${endpoint}'`
        ),
      onSurplus() {
        if (told.tell("surplus") === "no") return;
        log.warn(
          `'${endpoint}' sent bytes that belong to no request; the connection is closed, as they could be taken for ` +
            "the next response: look for a wrong Content-Length, or for a second response to one request, at the " +
            "endpoint and its proxies",
        );
      },
    });
  }

  update(config: HttpHandlerConfig): void {
    this.#requests = new RequestWriter(config, this.#pipeline);
  }

  send(event: InboundEvent, target: RequestTarget, call: CallInFlight): Promise<HttpResponse> {
    const response = this.#connections.exchange(this.#requests.write(event, target), call);
    return this.#hasCertificate && !this.#hasAnswer ? this.#firstAnswer(response) : response;
  }

  head(event: InboundEvent, target: RequestTarget): RequestHead {
    return this.#requests.head(event, target);
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
