import { Buffer } from "node:buffer";
import type { Bytes } from "../../event.ts";
import { maxEncodedLength } from "./content_encoding.ts";
import type { HeadReader } from "./head_reader.ts";
import { type ResponseBody, responseBody } from "./response_body.ts";
import { InvalidResponseError, type ResponseHead } from "./response_head.ts";

/** A response that has come in full. */
export interface HttpResponse {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** As it came, not decoded; null when it is too large. */
  readonly body: Bytes | null;
  /** Whether the connection can take a further request. */
  readonly keepsConnection: boolean;
}

/** The other side has closed the connection before the response was complete. */
export class CutOffResponseError extends Error {
  override readonly name = "CutOffResponseError";
  /** Whether the head of the response had come. */
  readonly hasBegun: boolean;

  constructor(hasBegun: boolean) {
    super("the connection was closed before the response was complete");
    this.hasBegun = hasBegun;
  }
}

/** Reads the response to one request, in whatever pieces it comes. */
export class ResponseReader {
  readonly #heads: HeadReader;
  readonly #maxBodyBytes: number;
  /** Of a head that has not come in full. */
  #unread: Bytes | undefined;
  #head: ResponseHead | undefined;
  #body: ResponseBody | undefined;

  constructor(heads: HeadReader, maxBodyBytes: number) {
    this.#heads = heads;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /**
   * Takes what has come; returns the response when it is complete, or too large.
   *
   * @throws {InvalidResponseError}
   */
  take(bytes: Bytes): HttpResponse | null {
    if (this.#body !== undefined) return this.#takeBody(bytes, 0);
    const unread = this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes]);
    for (let position = 0;;) {
      const read = this.#heads.read(unread, position);
      if (read === null) {
        this.#unread = unread.slice(position);
        return null;
      }
      position += read.length;
      if (!isFinal(read.head)) continue;
      this.#begin(read.head);
      return this.#takeBody(unread, position);
    }
  }

  /**
   * Notes that the other side has closed; returns the response when it is complete by that.
   *
   * @throws {CutOffResponseError}
   */
  end(): HttpResponse {
    this.#body?.end();
    const response = this.#response(true);
    if (response === null) throw new CutOffResponseError(this.#head !== undefined);
    return response;
  }

  #begin(head: ResponseHead): void {
    const maxBytes = head.headers.has("content-encoding")
      ? maxEncodedLength(this.#maxBodyBytes)
      : this.#maxBodyBytes;
    this.#head = head;
    this.#body = responseBody(head.framing, maxBytes);
  }

  #takeBody(bytes: Bytes, start: number): HttpResponse | null {
    const end = this.#body?.take(bytes, start) ?? start;
    return this.#response(end < bytes.length);
  }

  #response(hasMore: boolean): HttpResponse | null {
    if (this.#head === undefined || this.#body === undefined) return null;
    const { status, headers, keepsConnection } = this.#head;
    const { isComplete, isTooLarge } = this.#body;
    if (isTooLarge) return { status, headers, body: null, keepsConnection: false };
    if (!isComplete) return null;
    return {
      status,
      headers,
      body: this.#body.bytes,
      keepsConnection: keepsConnection && !hasMore,
    };
  }
}

/** Others may come before the final response (RFC 9110, 15.2). */
function isFinal({ status }: ResponseHead): boolean {
  if (status === 101) throw new InvalidResponseError("nobody asked for another protocol");
  return status >= 200;
}
