import type { Bytes, InboundEvent, RecordHeader } from "./event.ts";

/** The two outcomes a result processor can be configured for, in the configuration's words. */
export type When = "onSuccess" | "onError";

/** What a handler made of one event. */
export interface Result {
  readonly when: When;
  /** What the other side said, for log lines, without payload: `status 503`. */
  readonly summary: string;
  readonly value: Bytes;
  /** Headers that describe the value; they replace headers of the event that have the same name. */
  readonly headers: readonly RecordHeader[];
}

/** Turns one event into a result. Calls may overlap. */
export interface Handler extends AsyncDisposable {
  /**
   * @param signal gives the call up when aborted
   * @throws {HandlerError} when there is no result: the other side did not answer
   */
  handle(event: InboundEvent, signal: AbortSignal): Promise<Result>;
}

/** No result came back. The message holds no payload, no secret and no query string. */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
}
