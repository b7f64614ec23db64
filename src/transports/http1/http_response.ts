import type { Bytes } from "../../core/event.ts";

/** How long a connection is kept: less than the 5 s of Node.js and others, as no call is to meet one that is closed. */
export const MAX_IDLE_MS = 4000;

/** What an endpoint has answered. */
export type HttpResponse = UsableResponse | UnusableResponse;

/** A complete and valid response. */
export interface UsableResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Encoded as the headers say. */
  readonly body: Bytes;
}

/** A response that is incomplete or invalid, or bytes that are no HTTP response at all. */
export interface UnusableResponse {
  /** Null when there is no valid status line. */
  readonly status: number | null;
  /** Empty when they cannot be read. */
  readonly headers: ResponseHeaders;
  readonly body: null;
  /** Why it cannot be used, for people. Shows nothing of what the endpoint sent. */
  readonly defect: string;
  /** Whether the connection or the call's time ended before the body was complete. */
  readonly isCutOff?: boolean;
}

/**
 * Values by names in lower case. A value has one character for each byte. The values of a repeated name are joined with
 * `, `, but those of `set-cookie` with line feeds, because they contain commas (RFC 9110, 5.3). Of `content-type`,
 * `location` and `retry-after`, there is only the first value.
 */
export type ResponseHeaders = ReadonlyMap<string, string>;

/** The defect of a response whose body is larger than it may be. */
export function largerThan(maxBytes: number): string {
  return `response larger than maxResponseBytes (${maxBytes} bytes)`;
}

/** Where a request for a URL goes to at its server: path and query. */
export function targetOf({ pathname, search }: URL): string {
  return pathname + search;
}
