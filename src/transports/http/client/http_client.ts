import type { Bytes, InboundEvent } from "../../../core/event.ts";
import type { HeaderList } from "../request_headers.ts";
import type { CallInFlight } from "./calls_in_flight.ts";

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

/** Where a request goes to at its server, and which one it is. */
export interface RequestTarget {
  /** Path and query. */
  readonly target: string;
  /** Which call for the event it is, 1 for the first. */
  readonly attempt: number;
  /** The value of a header of that name, where it is not the same for all requests. */
  readonly authorization?: string | undefined;
}

/**
 * Sends requests to the server of one endpoint. One goes out again when a kept connection turns out to be closed; all
 * other repetitions are for the caller to decide.
 */
export interface HttpClient extends Disposable {
  /**
   * Sends an event as a request, and resolves with its response.
   * @throws {Error} that `describeFailure()` knows: no complete head has come, or the call was given up
   */
  send(event: InboundEvent, target: RequestTarget, call: CallInFlight): Promise<HttpResponse>;
  /** What `send()` sends before the body. */
  head(event: InboundEvent, target: RequestTarget): RequestHead;
}

/** The defect of a response whose body is larger than it may be. */
export function largerThan(maxBytes: number): string {
  return `response larger than maxResponseBytes (${maxBytes} bytes)`;
}

/** A request, the body aside. */
export interface RequestHead {
  readonly method: string;
  /** As they are written, in their order. */
  readonly headers: HeaderList;
}

/** Where a request for a URL goes to at its server: path and query. */
export function targetOf({ pathname, search }: URL): string {
  return pathname + search;
}
