import type { Bytes, InboundEvent } from "../../../core/event.ts";
import type { CallInFlight } from "./calls_in_flight.ts";
import type { HttpHandlerConfig } from "../config.ts";
import {
  type HttpClient,
  type HttpResponse,
  largerThan,
  MAX_IDLE_MS,
  type RequestHead,
  type RequestTarget,
} from "./http_client.ts";
import { isClosed } from "../failure.ts";
import { hasBody, RequestHeaders } from "../request_headers.ts";
import { UnansweredClientError } from "../tls_failure.ts";
import { tlsOptions } from "./tls_options.ts";

const FIRST_BUFFER_BYTES = 4096;

const EMPTY = new Uint8Array();

/**
 * Calls by `fetch`, which knows TLS, and gives up whatever is under way. It decodes what it knows. Calls that run when it
 * is disposed of go on to their ends.
 */
export class FetchClient implements HttpClient {
  readonly #config: HttpHandlerConfig;
  readonly #origin: string;
  readonly #headers: RequestHeaders;
  readonly #client: Deno.HttpClient;
  #hasAnswer = false;

  /** @param maxConnections how many are kept between calls */
  constructor(
    config: HttpHandlerConfig,
    { pipeline, maxConnections }: { pipeline: string; maxConnections: number },
  ) {
    this.#config = config;
    this.#origin = new URL(config.url).origin;
    this.#headers = new RequestHeaders(config, pipeline);
    this.#client = Deno.createHttpClient({
      // HTTP/2 connections that die in silence are never replaced by the runtime's pool; HTTP/1.1 ones are.
      http1: true,
      http2: false,
      poolMaxIdlePerHost: maxConnections,
      poolIdleTimeout: MAX_IDLE_MS,
      ...tlsOptions(config.tls),
    });
  }

  async send(
    event: InboundEvent,
    { target, attempt, authorization }: RequestTarget,
    call: CallInFlight,
  ): Promise<HttpResponse> {
    const { method, maxResponseBytes } = this.#config;
    const controller = new AbortController();
    call.onGivenUp((reason) => controller.abort(reason));
    const response = await this.#fetch(this.#origin + target, {
      method,
      headers: this.#headersOf(event, { attempt, authorization }),
      body: hasBody(method) ? event.value ?? EMPTY : null,
      redirect: "manual",
      client: this.#client,
      signal: controller.signal,
    });
    const body = await readBody(response, maxResponseBytes);
    // What it has decoded has no encoding any more.
    const { status } = response;
    const headers = new Map(response.headers);
    return body === null
      ? { status, headers, body, defect: largerThan(maxResponseBytes) }
      : { status, headers, body };
  }

  async #fetch(url: string, request: RequestInit & { client: Deno.HttpClient }): Promise<Response> {
    try {
      const response = await fetch(url, request);
      this.#hasAnswer = true;
      return response;
    } catch (error) {
      const mayBeRefused = this.#config.tls?.cert !== undefined && !this.#hasAnswer;
      throw mayBeRefused && isClosed(error) ? new UnansweredClientError({ cause: error }) : error;
    }
  }

  /** With what the runtime adds, in its order. */
  head(event: InboundEvent, target: RequestTarget): RequestHead {
    const { method, url } = this.#config;
    const headers = this.#headersOf(event, target).map(([name, value]): [string, string] => [
      name.toLowerCase(),
      value,
    ]);
    const isGiven = (wanted: string) => headers.some(([name]) => name === wanted);
    return {
      method,
      headers: [
        ...(hasBody(method) ? [["content-length", `${event.value?.length ?? 0}`] as const] : []),
        ...headers,
        ...(isGiven("accept-language") ? [] : [["accept-language", "*"] as const]),
        ["host", new URL(url).host],
      ],
    };
  }

  #headersOf(
    event: InboundEvent,
    { attempt, authorization }: Omit<RequestTarget, "target">,
  ): [string, string][] {
    const headers: [string, string][] = [
      ...this.#headers.common,
      ...this.#headers.of(event, attempt),
    ].map(([name, value]) => [name, value]);
    if (authorization !== undefined) headers.push(["authorization", authorization]);
    return headers;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/**
 * Reads the body of a response as it is after decoding. Resolves with null as soon as it is known to be larger than
 * `maxBytes`; the rest is not read then, and the connection is closed.
 */
async function readBody(response: Response, maxBytes: number): Promise<Bytes | null> {
  const { body } = response;
  if (body === null) return new Uint8Array();
  const length = announcedLength(response.headers);
  if (length !== null && length > maxBytes) {
    await body.cancel();
    return null;
  }
  if (length !== null) return await response.bytes();
  return await readUpTo(body, maxBytes);
}

/** How long the body is going to be, where this is certain. */
function announcedLength(headers: Headers): number | null {
  const value = headers.get("content-length");
  // The runtime takes the length away when it decodes the body, but not when chunks make it void (RFC 9112, 6.3).
  if (value === null || headers.has("transfer-encoding")) return null;
  return /^\d+$/.test(value) ? Number(value) : null;
}

/** A reader without a buffer of its own would get one of 64 KiB for each response. */
async function readUpTo(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Bytes | null> {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new Uint8Array(Math.min(FIRST_BUFFER_BYTES, maxBytes + 1));
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read(buffer.subarray(length));
    // The reader gives back the same bytes in another object, at the end as well.
    if (value !== undefined) buffer = new Uint8Array(value.buffer);
    if (done) return buffer.slice(0, length);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      return null;
    }
    if (length === buffer.length) buffer = grown(buffer, maxBytes + 1);
  }
}

function grown(buffer: Bytes, maxBytes: number): Bytes {
  const larger = new Uint8Array(Math.min(2 * buffer.length, maxBytes));
  larger.set(buffer);
  return larger;
}
