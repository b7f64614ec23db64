import type { InboundEvent } from "../../../core/event.ts";
import type { CallObserver } from "../../../core/handler.ts";
import { octets } from "../../../core/octets.ts";
import type { HttpHandlerConfig } from "../config.ts";
import { hasBody } from "../request_headers.ts";
import type { RedactedRequests } from "../redacted_request.ts";
import type { CallInFlight } from "../../http1/calls_in_flight.ts";
import type { HttpResponse, ResponseHeaders } from "../../http1/http_response.ts";
import type { HttpClient, RequestHead, RequestTarget } from "./http_client.ts";

const EMPTY = new Uint8Array();
const TEXT_DECODER = new TextDecoder();

/** Reports requests and responses to an observer. */
export class ObservedClient implements HttpClient {
  readonly #client: HttpClient;
  readonly #requests: RedactedRequests;
  readonly #observer: CallObserver;

  constructor(
    client: HttpClient,
    { requests, observer }: { requests: RedactedRequests; observer: CallObserver },
  ) {
    this.#client = client;
    this.#requests = requests;
    this.#observer = observer;
  }

  async send(
    event: InboundEvent,
    target: RequestTarget,
    call: CallInFlight,
  ): Promise<HttpResponse> {
    const head = this.head(event, target);
    this.#observer.sent({
      ...this.#requests.of(head, event, target),
      body: hasBody(head.method) ? event.value ?? EMPTY : null,
    });
    const response = await this.#client.send(event, target, call);
    const { status, headers, body } = response;
    this.#observer.received({
      title: status === null ? "an answer without a status" : `HTTP ${status}`,
      headers: [...shownHeaders(headers)],
      body,
      ...(body === null ? { note: response.defect } : {}),
      hidden: [],
    });
    return response;
  }

  update(config: HttpHandlerConfig): void {
    this.#client.update(config);
  }

  head(event: InboundEvent, target: RequestTarget): RequestHead {
    return this.#client.head(event, target);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

/** Decodes the values; each of several `set-cookie` headers is a pair of its own. */
function* shownHeaders(
  headers: ResponseHeaders,
): Generator<readonly [name: string, value: string]> {
  for (const [name, value] of headers) {
    for (const line of value.split("\n")) yield [name, TEXT_DECODER.decode(octets(line))];
  }
}
