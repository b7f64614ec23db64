import type { Bytes, InboundEvent } from "../../core/event.ts";
import type { CallObserver } from "../../core/handler.ts";
import { octets } from "../../core/octets.ts";
import { fill } from "../../core/template.ts";
import { REDACTED } from "../../schema/url.ts";
import { type HttpResponse, latin1, type ResponseHeaders } from "../http1/http_response.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { headerValue } from "./percent_encoding.ts";
import {
  literalValues,
  redactedLiterals,
  redactedRedirect,
  RedactedTargets,
} from "./redacted_target.ts";
import { hasBody, type HeaderList } from "./request_headers.ts";
import type { RequestTarget } from "./request_writer.ts";

const EMPTY = new Uint8Array();
const TEXT_DECODER = new TextDecoder();

/** Configured headers that hold no secrets. */
const HARMLESS = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-language",
  "content-type",
  "user-agent",
]);

/** Headers that always hold secrets, configured or not. */
const SECRET = ["authorization", "cookie"];

/**
 * Shows requests and responses to an observer, as `eventor try` has one. A configured header value may be a secret, even
 * if it is written in the file; values of events are not.
 */
export class CallPreview {
  readonly #observer: CallObserver;
  readonly #secret: ReadonlySet<string>;
  readonly #configured: ReadonlyMap<string, HttpHandlerConfig["headers"][number][1]>;
  readonly #targets: RedactedTargets;

  constructor(config: HttpHandlerConfig, observer: CallObserver) {
    const { headers, auth } = config;
    const ofAuth = auth?.type === "apiKey" ? [auth.header.toLowerCase()] : [];
    this.#observer = observer;
    this.#secret = new Set([...SECRET, ...ofAuth]);
    this.#configured = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
    this.#targets = new RedactedTargets(config);
  }

  sent(request: Bytes, event: InboundEvent, { target, isRedirected }: RequestTarget): void {
    const { method, headers } = headOf(request);
    const shown = headers.map(([name, value]) =>
      [name, this.#redacted(name, value, event)] as const
    );
    const hidden = headers.filter(([, value], index) => shown[index]?.[1] !== value);
    const redactedTarget = isRedirected ? redactedRedirect(target) : this.#targets.of(event);
    this.#observer.sent({
      title: `${method} ${redactedTarget} HTTP/1.1`,
      headers: shown,
      body: hasBody(method) ? event.value ?? EMPTY : null,
      hidden: [
        // The endpoint may echo credentials without their scheme.
        ...hidden.flatMap(([, value]) => [value, value.replace(/^[A-Za-z]+ +/, "")]),
        ...(isRedirected
          ? literalValues({ parts: [target.replace(/^[^?]*\??/, "")] })
          : this.#targets.hidden),
      ],
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

  #redacted(name: string, value: string, event: InboundEvent): string {
    const lowerCase = name.toLowerCase();
    if (this.#secret.has(lowerCase)) return REDACTED;
    const configured = this.#configured.get(lowerCase);
    if (configured === undefined || HARMLESS.has(lowerCase)) return value;
    return typeof configured === "string"
      ? REDACTED
      : fill(redactedLiterals(configured), { event }, headerValue);
  }
}

/** Method and headers of a request, as written. */
function headOf(request: Bytes): { readonly method: string; readonly headers: HeaderList } {
  const [head = ""] = latin1(request).split("\r\n\r\n", 1);
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
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
