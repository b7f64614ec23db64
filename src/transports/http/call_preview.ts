import { Buffer } from "node:buffer";
import type { Bytes, InboundEvent } from "../../core/event.ts";
import type { CallObserver } from "../../core/handler.ts";
import { octets } from "../../core/octets.ts";
import type { HttpResponse, ResponseHeaders } from "../http1/http_response.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { RedactedRequests, type RequestHead } from "./redacted_request.ts";
import { hasBody } from "./request_headers.ts";
import type { RequestTarget } from "./request_writer.ts";

const EMPTY = new Uint8Array();
const HEAD_END = "\r\n\r\n";
const TEXT_DECODER = new TextDecoder();

/** Shows requests and responses to an observer, as `eventor try` has one. */
export class CallPreview {
  readonly #requests: RedactedRequests;
  readonly #observer: CallObserver;

  constructor(config: HttpHandlerConfig, observer: CallObserver) {
    this.#requests = new RedactedRequests(config);
    this.#observer = observer;
  }

  sent(request: Bytes, event: InboundEvent, target: RequestTarget): void {
    const head = headOf(request);
    this.#observer.sent({
      ...this.#requests.of(head, event, target),
      body: hasBody(head.method) ? event.value ?? EMPTY : null,
    });
  }

  async received(responding: Promise<HttpResponse>): Promise<HttpResponse> {
    const response = await responding;
    const { status, headers, body } = response;
    this.#observer.received({
      title: status === null ? "a response without a status" : `HTTP ${status}`,
      headers: [...decodedHeaders(headers)],
      body,
      ...(body === null ? { note: response.defect } : {}),
      hidden: [],
    });
    return response;
  }
}

function headOf(request: Bytes): RequestHead {
  const bytes = Buffer.from(request.buffer);
  const [first = "", ...lines] = bytes.toString("latin1", 0, bytes.indexOf(HEAD_END)).split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { method: first.slice(0, first.indexOf(" ")), headers };
}

/** Decodes the values; each of several `set-cookie` headers is a pair of its own. */
function* decodedHeaders(
  headers: ResponseHeaders,
): Generator<readonly [name: string, value: string]> {
  for (const [name, value] of headers) {
    for (const line of value.split("\n")) yield [name, TEXT_DECODER.decode(octets(line))];
  }
}
