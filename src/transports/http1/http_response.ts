import { Buffer } from "node:buffer";
import type { Bytes } from "../../core/event.ts";

/** A method or a header name (RFC 9110, 5.6.2). `\x60` is the backtick. */
export const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_\x60|~-]+$/;

export type HttpResponse = UsableResponse | UnusableResponse;

/** A complete and valid response. */
export interface UsableResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Encoded as the headers say. */
  readonly body: Bytes;
}

/** A response that is incomplete or invalid, or bytes that are not HTTP. */
export interface UnusableResponse {
  /** Null when there is no valid status line. */
  readonly status: number | null;
  /** Empty when they cannot be read. */
  readonly headers: ResponseHeaders;
  readonly body: null;
  /** Why it cannot be used, for people; holds nothing that the endpoint sent. */
  readonly defect: string;
  /** Whether the connection or the call's `timeout` ended before the body was complete. */
  readonly isCutOff?: boolean;
}

/**
 * Values by lower-case names, with one character for each byte. Repeated values are joined with `, `, those of
 * `set-cookie` with line feeds, because they contain commas (RFC 9110, 5.3). `content-type`, `location` and
 * `retry-after` keep only their first value.
 */
export type ResponseHeaders = ReadonlyMap<string, string>;

/** A text with one character for each byte, as header values are. */
export function latin1(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** A body is longer than its limit. */
export class TooLongError extends Error {
  override readonly name = "TooLongError";
}

/** The defect of a response with a body that is too large. */
export function largerThan(maxBytes: number): string {
  return `response larger than maxResponseBytes (${maxBytes} bytes)`;
}
