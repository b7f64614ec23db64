import type { InboundEvent } from "../../core/event.ts";
import { type Handler, HandlerError, type Result } from "../../core/handler.ts";
import { isOfTrust } from "../http1/failure.ts";
import type { HandlerConfig } from "../../core/transport.ts";
import type { Pass, TrustGate } from "./trust_gate.ts";

/** Makes the calls of another handler under a `TrustGate`, and reports their outcomes to it. */
export class TrustedHandler implements Handler {
  readonly #handler: Handler;
  readonly #gate: TrustGate;
  readonly #showsWhoCalls: boolean;

  /** @param showsWhoCalls whether requests carry credentials: only then do 401 and 403 count as refusals */
  constructor(
    handler: Handler,
    { gate, showsWhoCalls }: { gate: TrustGate; showsWhoCalls: boolean },
  ) {
    this.#handler = handler;
    this.#gate = gate;
    this.#showsWhoCalls = showsWhoCalls;
  }

  async handle(
    event: InboundEvent,
    signal: AbortSignal,
    attempt?: number,
    ending?: AbortSignal,
  ): Promise<Result> {
    const pass = this.#gate.pass ?? await this.#gate.enter(signal, ending);
    let result: Result;
    try {
      result = await this.#handler.handle(event, signal, attempt);
    } catch (error) {
      throw this.#tellFailure(pass, error, signal);
    }
    this.#tellResult(pass, result);
    return result;
  }

  update(config: HandlerConfig): void {
    this.#handler.update?.(config);
    this.#gate.renew();
  }

  #tellResult(pass: Pass, { response }: Result): void {
    const status = response?.status;
    const reason = `the endpoint refuses the credentials of 'auth' with ${status}`;
    if (this.#showsWhoCalls && status === 401) this.#gate.refused(pass, reason);
    else if (this.#showsWhoCalls && status === 403) this.#gate.doubted(pass, reason);
    else if (this.#showsWhoCalls && mayBeBlind(status)) this.#gate.unanswered(pass);
    else this.#gate.accepted(pass);
  }

  /** Reports a failure, and returns the error to throw. */
  #tellFailure(pass: Pass, error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted || !(error instanceof HandlerError)) {
      this.#gate.left(pass);
      return error;
    }
    const { message, cause, wasSent, isForWant } = error;
    if (!isOfTrust(cause)) {
      this.#gate.unanswered(pass);
      return error;
    }
    this.#gate.refused(pass, message);
    return new HandlerError(message, { cause, wasSent, isForWant, isTold: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate[Symbol.dispose]();
    await this.#handler[Symbol.asyncDispose]();
  }
}

/** Whether such a response may be sent before credentials are checked. */
function mayBeBlind(status: number | undefined): boolean {
  return status === undefined || status === 429 || status >= 500;
}
