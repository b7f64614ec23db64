import type { HandlerConfig } from "./transport.ts";
import type { Bytes, InboundEvent, RecordHeader } from "./event.ts";

/** The two outcomes a result processor can be configured for, in the configuration's words. */
export type When = "onSuccess" | "onError";

/** What a handler made of one event. */
export type Result = Success | ErrorResult;

/** What the other side answered. */
interface Answer {
  /** What the other side said, for log lines, without payload: `status 503`. */
  readonly summary: string;
  readonly value: Bytes;
  /** Headers that describe the value; they replace headers of the event that have the same name. */
  readonly headers: readonly RecordHeader[];
  /** What templates can ask for besides; absent when the other side has no such thing. */
  readonly response?: ResponseFacts;
}

/** What is known of a response besides its content. */
export interface ResponseFacts {
  readonly status: number;
  /** By names in lower case; the values have one character for each byte, whatever text the bytes stand for. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Success extends Answer {
  readonly when: "onSuccess";
}

export interface ErrorResult extends Answer {
  readonly when: "onError";
  readonly error: ErrorResponse;
}

/** What an error response says beyond its content. */
export interface ErrorResponse {
  /** In the other side's words: `503`; absent when what came has no status that can be read. */
  readonly status?: string;
  /** Whether another call may bring another outcome. */
  readonly isTransient: boolean;
  /** How long the other side asks to wait before another call. */
  readonly retryAfterMs?: number;
  /** Whether the other side has more to do than it can, so that pauses are a help to it. */
  readonly isOverload?: boolean;
  /** Whether the other side may not be well as a whole, so that no event would fare better. */
  readonly suggestsOutage: boolean;
  /** Whether it tells of the other side alone: while the pipeline stops, the other side may be stopping, too. */
  readonly isAboutServer?: boolean;
}

/** Turns one event into a result. Calls may overlap. */
export interface Handler extends AsyncDisposable {
  /**
   * @param signal gives the call up when aborted
   * @param attempt which call for this event it is, 1 for the first
   * @param ending aborts when a call that has to wait is not worth it any more; one that has begun goes on
   * @throws {HandlerError} when there is no result: the other side did not answer
   * @throws {TemplateError} when the event cannot become a call
   * @throws {EventNotSettledError} when no call was made, because of `ending`
   */
  handle(
    event: InboundEvent,
    signal: AbortSignal,
    attempt?: number,
    ending?: AbortSignal,
  ): Promise<Result>;
  /**
   * Makes calls by another configuration from now on, for which the role's `canUpdate()` was true. Calls that run go on
   * as they began.
   */
  update?(config: HandlerConfig): void;
}

/** No result came back. The message holds no payload, no secret and no query string. */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
  /** Whether the call may have come to the other side. If not, it is not the event that the call failed for. */
  readonly wasSent: boolean;
  /** Whether it failed for want of something on this machine, which tells nothing of the other side. */
  readonly isForWant: boolean;
  /** Whether whoever is to repair that has been told already, since it concerns all calls. */
  readonly isTold: boolean;

  constructor(
    message: string,
    { wasSent = true, isForWant = false, isTold = false, ...options }: ErrorOptions & {
      wasSent?: boolean;
      isForWant?: boolean;
      isTold?: boolean;
    } = {},
  ) {
    super(message, options);
    this.wasSent = wasSent;
    this.isForWant = isForWant;
    this.isTold = isTold;
  }
}

/** What one side of a call has said, as people may read it. */
export interface CallMessage {
  /** What it begins with: `POST /orders HTTP/1.1`. */
  readonly title: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Null when there is none, or it was not read; `note` says why then. */
  readonly body: Bytes | null;
  readonly note?: string;
  /** Texts for which `***` stands: the other side may have sent them back. */
  readonly hidden: readonly string[];
}

/** Told what is said in calls. */
export interface CallObserver {
  sent(message: CallMessage): void;
  received(message: CallMessage): void;
}
