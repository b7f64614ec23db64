import { Buffer } from "node:buffer";
import type { Bytes, InboundEvent } from "../../event.ts";
import { VERSION } from "../../version.ts";
import type { HttpHandlerConfig } from "./config.ts";

const TEXT_DECODER = new TextDecoder();
const DEFAULT_CONTENT_TYPE = "application/text";

/** What RFC 9110 (5.5) admits in a field value. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Methods for whose content RFC 9110 (9.3) knows no meaning. */
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

const EMPTY = new Uint8Array();

/** Where a request goes to at its origin: path and query. */
export function targetOf({ pathname, search }: URL): string {
  return pathname + search;
}

/** Writes events as requests (RFC 9112, 3): the configured headers, and what a request needs besides. */
export class RequestWriter {
  readonly #method: string;
  readonly #hasBody: boolean;
  readonly #target: string;
  readonly #headers: string;
  /** What a request begins with, unless it goes elsewhere. */
  readonly #beginning: Bytes;
  readonly #hasContentType: boolean;

  constructor(
    { method, url, headers }: Pick<HttpHandlerConfig, "method" | "url" | "headers">,
  ) {
    const parsed = new URL(url);
    const names = new Set(headers.map(([name]) => name.toLowerCase()));
    const defaults = [["accept", "*/*"], ["accept-encoding", "identity"], [
      "user-agent",
      `eventor/${VERSION}`,
    ]];
    const all = [
      ["host", parsed.host],
      ...headers,
      ...defaults.filter(([name]) => !names.has(name!)),
    ];
    this.#method = method;
    this.#hasBody = !WITHOUT_BODY.has(method);
    this.#target = targetOf(parsed);
    this.#headers = all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.#beginning = Buffer.from(this.#beginningFor(this.#target), "latin1");
    this.#hasContentType = names.has("content-type");
  }

  /** @param target path and query, where it is not that of the URL */
  write(event: InboundEvent, target = this.#target): Bytes {
    const beginning = target === this.#target
      ? this.#beginning
      : Buffer.from(this.#beginningFor(target), "latin1");
    const body = this.#hasBody ? event.value ?? EMPTY : EMPTY;
    const contentType = this.#hasContentType
      ? ""
      : `content-type: ${contentTypeOf(event.headers) ?? DEFAULT_CONTENT_TYPE}\r\n`;
    const contentLength = this.#hasBody ? `content-length: ${body.length}\r\n` : "";
    const end = `${contentType}${contentLength}\r\n`;
    const request = Buffer.alloc(beginning.length + end.length + body.length);
    request.set(beginning);
    request.write(end, beginning.length, "latin1");
    request.set(body, beginning.length + end.length);
    return request;
  }

  #beginningFor(target: string): string {
    return `${this.#method} ${target} HTTP/1.1\r\n${this.#headers}`;
  }
}

function contentTypeOf(headers: InboundEvent["headers"]): string | null {
  const header = headers.find(([name]) => name.toLowerCase() === "content-type");
  const value = header?.[1] ? TEXT_DECODER.decode(header[1]).trim() : "";
  return FIELD_VALUE.test(value) ? value : null;
}
