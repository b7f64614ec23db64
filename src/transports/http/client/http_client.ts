import type { InboundEvent } from "../../../core/event.ts";
import type { CallInFlight } from "../../http1/calls_in_flight.ts";
import type { HttpResponse } from "../../http1/http_response.ts";
import type { HttpHandlerConfig } from "../config.ts";
import type { HeaderList } from "../request_headers.ts";

/** What differs between the requests of a client, except for the event. */
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

/**
 * Sends requests to the server of one endpoint. It repeats a request only if a kept connection turns out to be closed;
 * the caller decides about all retries.
 */
export interface HttpClient extends Disposable {
  /**
   * Sends an event as a request, and resolves with its response.
   * @throws {Error} for `describeFailure()`: no complete head arrived, or the call was given up
   */
  send(event: InboundEvent, target: RequestTarget, call: CallInFlight): Promise<HttpResponse>;
  /** Uses other credentials for requests from now on. */
  update(config: HttpHandlerConfig): void;
  /** The head that `send()` writes. */
  head(event: InboundEvent, target: RequestTarget): RequestHead;
}

/** A request without its body. */
export interface RequestHead {
  readonly method: string;
  /** As written, in their order. */
  readonly headers: HeaderList;
}
