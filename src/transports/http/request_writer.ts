import { Buffer } from "node:buffer";
import type { Bytes, InboundEvent } from "../../core/event.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { targetOf } from "../http1/server.ts";
import { hasBody, RequestHeaders } from "./request_headers.ts";

const EMPTY = new Uint8Array();
const TEXT_ENCODER = new TextEncoder();

/** What differs between requests, except for the event. */
export interface RequestTarget {
  /** Path and query. */
  readonly target: string;
  /** Whether a redirect of the endpoint leads there. */
  readonly isRedirected?: boolean;
  /** Number of the call for this event, from 1. */
  readonly attempt: number;
  /** The `Authorization` header, if it is not the same in all requests. */
  readonly authorization?: string | undefined;
}

/** Writes events as HTTP/1.1 requests (RFC 9112, 3). */
export class RequestWriter {
  readonly #method: string;
  readonly #headers: RequestHeaders;
  readonly #commonLines: string;
  readonly #target: string;
  /** The beginning of requests to the configured target. */
  readonly #beginning: Bytes;

  constructor(config: HttpHandlerConfig, pipeline: string) {
    const { method, url } = config;
    const parsed = new URL(url);
    this.#method = method;
    this.#headers = new RequestHeaders(config, pipeline);
    this.#commonLines = [["host", parsed.host], ...this.#headers.common]
      .map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.#target = targetOf(parsed);
    this.#beginning = this.#beginningFor(this.#target);
  }

  write(event: InboundEvent, { target, attempt, authorization }: RequestTarget): Bytes {
    const beginning = target === this.#target ? this.#beginning : this.#beginningFor(target);
    const body = hasBody(this.#method) ? event.value ?? EMPTY : null;
    let end = "";
    for (const [name, value] of this.#headers.of(event, attempt)) end += `${name}: ${value}\r\n`;
    if (authorization !== undefined) end += `authorization: ${authorization}\r\n`;
    end += body === null ? "\r\n" : `content-length: ${body.length}\r\n\r\n`;
    const headLength = beginning.length + end.length;
    const request = new Uint8Array(headLength + (body?.length ?? 0));
    request.set(beginning);
    writeLatin1(request, beginning.length, end);
    if (body !== null) request.set(body, headLength);
    return request;
  }

  #beginningFor(target: string): Bytes {
    return Buffer.from(`${this.#method} ${target} HTTP/1.1\r\n${this.#commonLines}`, "latin1");
  }
}

/** Most texts are ASCII, which `TextEncoder` writes several times as fast as a `Buffer`. */
function writeLatin1(target: Bytes, start: number, text: string): void {
  const { read } = TEXT_ENCODER.encodeInto(text, target.subarray(start, start + text.length));
  // Other characters take more bytes in UTF-8, so that the text does not fit.
  if (read === text.length) return;
  for (let index = 0; index < text.length; index++) target[start + index] = text.charCodeAt(index);
}
