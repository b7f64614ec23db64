import type { HandlerConfig } from "./transport.ts";
import type { Bytes, InboundEvent, RecordHeader } from "./event.ts";
import type { TemplateError } from "./template.ts";

/** Outcomes that a result processor can be configured for, as the configuration spells them. */
export type When = "onSuccess" | "onError";

/** A response to one event. */
export type Result = Success | ErrorResult;

/** A result, or why there is none. */
export type CallOutcome = Result | HandlerError | TemplateError;

/** Fields of every response. */
interface Answer {
  /** Summary for log lines, without payload: `status 503`. */
  readonly summary: string;
  readonly value: Bytes;
  /** Headers that describe the value; they replace the event's headers of the same name. */
  readonly headers: readonly RecordHeader[];
  /** Metadata for templates; absent when the endpoint has none. */
  readonly response?: ResponseFacts;
}

/** Metadata of a response. */
export interface ResponseFacts {
  readonly status: number;
  /** By lower-case name. Values have one character per byte, whatever the encoding. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Success extends Answer {
  readonly when: "onSuccess";
}

export interface ErrorResult extends Answer {
  readonly when: "onError";
  readonly error: ErrorResponse;
}

/** Metadata of an error response. */
export interface ErrorResponse {
  /** As the endpoint sent it: `503`; absent when no status can be read. */
  readonly status?: string;
  /** Whether another call may end differently. */
  readonly isTransient: boolean;
  /** The pause that the endpoint asks for. */
  readonly retryAfterMs?: number;
  /** Whether the endpoint may fail for every event. */
  readonly suggestsOutage: boolean;
  /** Whether it concerns the endpoint alone: while the pipeline stops, the endpoint may be stopping, too. */
  readonly isAboutServer?: boolean;
  /** Set when the endpoint refuses this client. */
  readonly refusal?: Refusal;
  /** Whether the endpoint may have sent it before it checked who calls. */
  readonly isBeforeAccessCheck?: boolean;
}

/** The endpoint refuses this client, as for wrong credentials: every call would fail until an operator acts. */
export interface Refusal {
  /** For the log and `/readyz`, without secrets. */
  readonly reason: string;
  /** Whether it may concern this event only. */
  readonly mayConcernEventOnly?: boolean;
}

/** Turns one event into a result. Calls may overlap. */
export interface Handler extends AsyncDisposable {
  /**
   * Whether the endpoint may refuse this client. If so, one call goes first: repeated attempts often lock a client out.
   */
  readonly mayBeRefused?: boolean;
  /**
   * @param signal aborts the call
   * @param attempt number of the call for this event, from 1
   * @throws {HandlerError} when there is no result: the call was unanswered
   * @throws {TemplateError} when the event cannot become a call
   */
  handle(event: InboundEvent, signal: AbortSignal, attempt?: number): Promise<Result>;
  /**
   * Uses other credentials for new calls, if the role's `canUpdate()` returned true. Calls in flight may keep theirs.
   */
  update?(config: HandlerConfig): void;
}

/** A call without a result. The message holds no payload, no secret and no query string. */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
  /** Whether the call may have reached the endpoint. If not, the event is not the cause. */
  readonly wasSent: boolean;
  /** Whether this machine lacked a resource, which shows nothing about the endpoint. */
  readonly isLocal: boolean;
  /** Whether one side refused the other's certificate or credentials; the message is the `Refusal.reason`. */
  readonly isRefusal: boolean;

  constructor(
    message: string,
    { wasSent = true, isLocal = false, isRefusal = false, ...options }: ErrorOptions & {
      wasSent?: boolean;
      isLocal?: boolean;
      isRefusal?: boolean;
    } = {},
  ) {
    super(message, options);
    this.wasSent = wasSent;
    this.isLocal = isLocal;
    this.isRefusal = isRefusal;
  }
}

/** A request or a response, in readable form. */
export interface CallMessage {
  /** First line: `POST /orders HTTP/1.1`. */
  readonly title: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Null when absent or not read; `note` then says why. */
  readonly body: Bytes | null;
  readonly note?: string;
  /** Texts to print as `***`: the endpoint may have echoed secrets. */
  readonly hidden: readonly string[];
}

/** Receives the requests and responses of calls. */
export interface CallObserver {
  sent(message: CallMessage): void;
  received(message: CallMessage): void;
}
