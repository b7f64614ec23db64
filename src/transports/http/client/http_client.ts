import type { Bytes, InboundEvent } from "../../../core/event.ts";
import type { HeaderList } from "../request_headers.ts";
import type { CallInFlight } from "./calls_in_flight.ts";

/** How long a connection is kept: less than the 5 s of Node.js and others, as no call is to meet one that is closed. */
export const MAX_IDLE_MS = 4000;

/** A response that has come in full. */
export interface HttpResponse {
  readonly status: number;
  /** By names in lower case; the values of a name that comes more than once are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** Encoded as the headers say; null when it is too large. */
  readonly body: Bytes | null;
}

/** Where a request goes to at its server, and which one it is. */
export interface RequestTarget {
  /** Path and query. */
  readonly target: string;
  /** Which call for the event it is, 1 for the first. */
  readonly attempt: number;
  /** The value of a header of that name, where it is not the same for all requests. */
  readonly authorization?: string | undefined;
}

/** Sends requests to the server of one endpoint. It never repeats one: that is for the caller to decide. */
export interface HttpClient extends Disposable {
  /**
   * Sends an event as a request, and resolves with its response.
   * @throws {Error} that `describeFailure()` knows: there is no whole and valid response, or the call was given up
   */
  send(event: InboundEvent, target: RequestTarget, call: CallInFlight): Promise<HttpResponse>;
  /** What `send()` sends before the body. */
  head(event: InboundEvent, target: RequestTarget): RequestHead;
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
