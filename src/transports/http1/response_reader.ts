import { Buffer } from "node:buffer";
import type { Bytes } from "../../core/event.ts";
import { maxEncodedLength } from "./content_encoding.ts";
import type { HeadReader } from "./head_reader.ts";
import {
  type HttpResponse,
  largerThan,
  type ResponseHeaders,
  type UnusableResponse,
} from "./http_response.ts";
import { type ResponseBody, responseBody } from "./response_body.ts";
import { InvalidResponseError, type ResponseHead } from "./response_head.ts";

/** The end of a head has up to 4 bytes; 3 of them may be among bytes searched before. */
const LOOK_BACK = 3;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const NOTHING: Bytes = new Uint8Array();
const NO_HEADERS: ResponseHeaders = new Map();

/** The other side closed the connection before the head of a response was complete. */
export class CutOffResponseError extends Error {
  override readonly name = "CutOffResponseError";
}

/**
 * Reads the response to one request, in pieces of any size. Invalid bytes of the endpoint do not make it throw: they
 * make the response unusable.
 */
export class ResponseReader {
  readonly #heads: HeadReader;
  readonly #maxBodyBytes: number;
  /** The bytes of an incomplete head. */
  #unread: Bytes | undefined;
  #head: ResponseHead | undefined;
  #body: ResponseBody | undefined;
  #surplus = NOTHING;
  #isUsable = true;

  constructor(heads: HeadReader, maxBodyBytes: number) {
    this.#heads = heads;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Whether the connection can take another request, now that the response has arrived. */
  get keepsConnection(): boolean {
    return this.#isComplete && this.#head?.keepsConnection === true &&
      this.#surplus.length === 0;
  }

  /** Bytes behind the response; valid until the bytes taken last are changed. */
  get surplus(): Bytes {
    return this.#isComplete ? this.#surplus : NOTHING;
  }

  get #isComplete(): boolean {
    return this.#isUsable && this.#body?.isComplete === true;
  }

  /** Takes the next bytes; returns the response once it is complete or known to be unusable. */
  take(bytes: Bytes): HttpResponse | null {
    try {
      return this.#body === undefined
        ? this.#takeHead(bytes)
        : this.#takeBody(this.#body, bytes, 0);
    } catch (error) {
      if (!(error instanceof InvalidResponseError)) throw error;
      return this.#unusable(`invalid HTTP response: ${error.message}`, error.status);
    }
  }

  /**
   * Called when the other side has closed the connection. Returns the response, unusable if it is cut off.
   *
   * A body without a length may be cut off when only TCP has ended: after a crash, or by somebody on the way (RFC 9112,
   * 9.8). Only HTTP/1.0 is trusted then: Python's servers never end TLS.
   *
   * @param endsWithoutTls whether TCP ended before TLS did
   * @throws {CutOffResponseError} when there was no complete head
   */
  end(endsWithoutTls = false): HttpResponse {
    if (!endsWithoutTls || this.#head?.isOfHttp10 === true) this.#body?.end();
    const response = this.#body === undefined ? null : this.#response(this.#body);
    const broken = response ?? this.breakOff(
      endsWithoutTls ? "connection closed without an end of TLS" : "connection closed",
    );
    if (broken === null) throw new CutOffResponseError("the connection was closed");
    return broken;
  }

  /** Ends the response early. Returns it as unusable, or null if there was no complete head. */
  breakOff(reason: string): UnusableResponse | null {
    if (this.#body === undefined) return null;
    const response = this.#unusable(`response cut off after ${this.#body.progress}: ${reason}`);
    return { ...response, isCutOff: true };
  }

  #takeHead(bytes: Bytes): HttpResponse | null {
    const seen = this.#unread?.length ?? 0;
    const unread = this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes]);
    let start = afterEmptyLines(unread, 0);
    let searchFrom = Math.max(seen - LOOK_BACK, start);
    for (;;) {
      const read = this.#heads.read(unread, { start, searchFrom });
      if (read === null) {
        this.#unread = unread.slice(start);
        return null;
      }
      start += read.bytes.length;
      if (isFinal(read.head)) {
        this.#head = read.head;
        this.#body = responseBody(read.head.framing, this.#maxBytes(read.head));
        return this.#takeBody(this.#body, unread, start);
      }
      start = afterEmptyLines(unread, start);
      searchFrom = start;
    }
  }

  #takeBody(body: ResponseBody, bytes: Bytes, start: number): HttpResponse | null {
    this.#surplus = bytes.subarray(body.take(bytes, start));
    return this.#response(body);
  }

  #response(body: ResponseBody): HttpResponse | null {
    const { isComplete, isTooLarge } = body;
    if (isTooLarge) return this.#unusable(largerThan(this.#maxBodyBytes));
    if (this.#head === undefined || !isComplete) return null;
    const { status, headers } = this.#head;
    return { status, headers, body: body.bytes };
  }

  #unusable(defect: string, status: number | null = null): UnusableResponse {
    this.#isUsable = false;
    const head = this.#head ?? { status, headers: NO_HEADERS };
    return { status: head.status, headers: head.headers, body: null, defect };
  }

  #maxBytes({ headers }: ResponseHead): number {
    const isEncoded = headers.has("content-encoding");
    return isEncoded ? maxEncodedLength(this.#maxBodyBytes) : this.#maxBodyBytes;
  }
}

/** Interim responses may come before the final one (RFC 9110, 15.2). */
function isFinal({ status }: ResponseHead): boolean {
  if (status === 101) throw new InvalidResponseError("unexpected status 101", status);
  return status >= 200;
}

/** Skips the empty lines that some servers send before a status line. */
function afterEmptyLines(bytes: Bytes, start: number): number {
  let position = start;
  while (bytes[position] === CARRIAGE_RETURN || bytes[position] === LINE_FEED) position++;
  return position;
}
