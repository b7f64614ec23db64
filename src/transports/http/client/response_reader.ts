import { Buffer } from "node:buffer";
import type { Bytes } from "../../../core/event.ts";
import { maxEncodedLength } from "../content_encoding.ts";
import type { HeadReader } from "./head_reader.ts";
import type { HttpResponse } from "./http_client.ts";
import { type ResponseBody, responseBody } from "./response_body.ts";
import { InvalidResponseError, type ResponseHead } from "./response_head.ts";

/** The end of a head may have come but for so many bytes, which were looked at already. */
const LOOK_BACK = 3;

/** The other side has closed the connection before the response was complete. */
export class CutOffResponseError extends Error {
  override readonly name = "CutOffResponseError";
  readonly hasHead: boolean;

  constructor(hasHead: boolean) {
    super("the connection was closed before the response was complete");
    this.hasHead = hasHead;
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
  #hasMore = false;

  constructor(heads: HeadReader, maxBodyBytes: number) {
    this.#heads = heads;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Whether the connection can take a further request, now that the response has come. */
  get keepsConnection(): boolean {
    return this.#body?.isComplete === true && this.#head?.keepsConnection === true &&
      !this.#hasMore;
  }

  /**
   * Takes what has come; returns the response when it is complete, or too large.
   *
   * @throws {InvalidResponseError}
   */
  take(bytes: Bytes): HttpResponse | null {
    if (this.#body !== undefined) return this.#takeBody(this.#body, bytes, 0);
    const seen = this.#unread?.length ?? 0;
    const unread = this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes]);
    let searchFrom = Math.max(seen - LOOK_BACK, 0);
    for (let start = 0;;) {
      const read = this.#heads.read(unread, { start, searchFrom });
      if (read === null) {
        this.#unread = unread.slice(start);
        return null;
      }
      start += read.bytes.length;
      searchFrom = start;
      if (!isFinal(read.head)) continue;
      this.#head = read.head;
      this.#body = responseBody(read.head.framing, this.#maxBytes(read.head));
      return this.#takeBody(this.#body, unread, start);
    }
  }

  /**
   * Notes that the other side has closed; returns the response when it is complete by that.
   *
   * @throws {CutOffResponseError}
   */
  end(): HttpResponse {
    this.#body?.end();
    const response = this.#body === undefined ? null : this.#response(this.#body);
    if (response === null) throw new CutOffResponseError(this.#head !== undefined);
    return response;
  }

  #takeBody(body: ResponseBody, bytes: Bytes, start: number): HttpResponse | null {
    this.#hasMore = body.take(bytes, start) < bytes.length;
    return this.#response(body);
  }

  #response(body: ResponseBody): HttpResponse | null {
    const { isComplete, isTooLarge } = body;
    if (this.#head === undefined || !isComplete && !isTooLarge) return null;
    const { status, headers } = this.#head;
    return { status, headers, body: isTooLarge ? null : body.bytes };
  }

  #maxBytes({ headers }: ResponseHead): number {
    const isEncoded = headers.has("content-encoding");
    return isEncoded ? maxEncodedLength(this.#maxBodyBytes) : this.#maxBodyBytes;
  }
}

/** Others may come before the final response (RFC 9110, 15.2). */
function isFinal({ status }: ResponseHead): boolean {
  if (status === 101) throw new InvalidResponseError("nobody asked for another protocol");
  return status >= 200;
}
