import type { InboundEvent } from "../../core/event.ts";
import { type Handler, HandlerError, type Result } from "../../core/handler.ts";
import { isOfTrust } from "../http1/failure.ts";
import type { HandlerConfig } from "../../core/transport.ts";
import type { Pass, TrustGate } from "./trust_gate.ts";

/** Sends the calls of another handler through a gate, and tells it how they ended. */
export class TrustedHandler implements Handler {
  readonly #handler: Handler;
  readonly #gate: TrustGate;
  readonly #showsWhoCalls: boolean;

  /** @param showsWhoCalls whether the endpoint can refuse who calls it, rather than a call */
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

  /** Returns what is to be thrown. */
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

/** Whether such an answer may come before anybody has looked at who calls. */
function mayBeBlind(status: number | undefined): boolean {
  return status === undefined || status === 429 || status >= 500;
}
