import { Buffer } from "node:buffer";
import type { Bytes } from "../../core/event.ts";
import { maxEncodedLength } from "./content_encoding.ts";
import type { HeadReader } from "./head_reader.ts";
import {
  type HttpResponse,
  largerThan,
  type ResponseHeaders,
  TooLongError,
  type UnusableResponse,
} from "./http_response.ts";
import { type ResponseBody, responseBody } from "./response_body.ts";
import { InvalidResponseError, type ResponseHead, statusOf } from "./response_head.ts";

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
  /** How long the connection can wait for another request; 0 if it takes none, or before the response is complete. */
  keepMs = 0;
  /** Bytes behind a complete response; valid until the bytes taken last are changed. */
  surplus = NOTHING;
  readonly #heads: HeadReader;
  readonly #maxBodyBytes: number;
  /** The beginning of an incomplete or unusable head. */
  #unread = NOTHING;
  #head: ResponseHead | undefined;
  #body: ResponseBody | undefined;

  constructor(heads: HeadReader, maxBodyBytes: number) {
    this.#heads = heads;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Takes the next bytes; returns the response once it is complete or known to be unusable. */
  take(bytes: Bytes): HttpResponse | null {
    try {
      return this.#head === undefined || this.#body === undefined
        ? this.#takeHead(bytes)
        : this.#takeBody(this.#head, this.#body, bytes);
    } catch (error) {
      if (error instanceof TooLongError) return this.#unusable(largerThan(this.#maxBodyBytes));
      if (!(error instanceof InvalidResponseError)) throw error;
      return this.#unusable(`invalid HTTP response: ${error.message}`);
    }
  }

  /**
   * Called when the other side has closed the connection. Returns the response, unusable if it is cut off.
   *
   * If TCP has ended without an end of TLS, a body without a length may be cut off: the server crashed, or somebody on
   * the path ended the connection (RFC 9112, 9.8). With HTTP/1.0, the body still counts as complete, because Python's
   * servers never end TLS.
   *
   * @param endsWithoutTls whether TCP ended before TLS did
   * @throws {CutOffResponseError} when there was no complete head
   */
  end(endsWithoutTls = false): HttpResponse {
    const isTrusted = !endsWithoutTls || this.#head?.isOfHttp10 === true;
    if (isTrusted && this.#head?.framing === "untilClosed" && this.#body !== undefined) {
      return usable(this.#head, this.#body);
    }
    const broken = this.breakOff(
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
    let searchFrom = Math.max(this.#unread.length - LOOK_BACK, 0);
    let rest = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    for (;;) {
      this.#unread = rest = withoutEmptyLines(rest);
      const read = this.#heads.read(rest, searchFrom);
      if (read === null) {
        this.#unread = new Uint8Array(rest);
        return null;
      }
      const afterHead = rest.subarray(read.bytes.length);
      if (isFinal(read.head)) {
        this.#head = read.head;
        this.#body = responseBody(read.head.framing, this.#maxBytes(read.head));
        return this.#takeBody(read.head, this.#body, afterHead);
      }
      rest = afterHead;
      searchFrom = 0;
    }
  }

  #takeBody(head: ResponseHead, body: ResponseBody, bytes: Bytes): HttpResponse | null {
    const end = body.take(bytes, 0);
    if (!body.isComplete) return null;
    if (end === bytes.length) this.keepMs = head.keepMs;
    else this.surplus = bytes.subarray(end);
    return usable(head, body);
  }

  #unusable(defect: string): UnusableResponse {
    const { status, headers } = this.#head ??
      { status: statusOf(this.#unread), headers: NO_HEADERS };
    return { status, headers, body: null, defect };
  }

  #maxBytes({ headers }: ResponseHead): number {
    const isEncoded = headers.has("content-encoding");
    return isEncoded ? maxEncodedLength(this.#maxBodyBytes) : this.#maxBodyBytes;
  }
}

function usable({ status, headers }: ResponseHead, { bytes }: ResponseBody): HttpResponse {
  return { status, headers, body: bytes };
}

/** Interim responses may come before the final one (RFC 9110, 15.2). */
function isFinal({ status }: ResponseHead): boolean {
  if (status === 101) {
    throw new InvalidResponseError("status 101, but eventor requested no protocol upgrade");
  }
  return status >= 200;
}

/** Skips the empty lines that some servers send before a status line. */
function withoutEmptyLines(bytes: Bytes): Bytes {
  let start = 0;
  while (bytes[start] === CARRIAGE_RETURN || bytes[start] === LINE_FEED) start++;
  return start === 0 ? bytes : bytes.subarray(start);
}
