import type { InboundEvent } from "../../../core/event.ts";
import type { CallInFlight } from "../../http1/calls_in_flight.ts";
import type { HttpResponse } from "../../http1/http_response.ts";
import type { HeaderList } from "../request_headers.ts";

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

/** A request, the body aside. */
export interface RequestHead {
  readonly method: string;
  /** As they are written, in their order. */
  readonly headers: HeaderList;
}
