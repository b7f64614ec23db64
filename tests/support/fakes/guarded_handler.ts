import type { InboundEvent } from "../../../src/core/event.ts";
import { CircuitBreaker } from "../../../src/core/failures/circuit_breaker.ts";
import { type Handler, HandlerError, type Result } from "../../../src/core/handler.ts";
import type { Health } from "../../../src/core/health.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import type { Logger } from "../../../src/core/log.ts";
import type { HandlerConfig } from "../../../src/core/transport.ts";
import { aDelivery } from "./delivery.ts";

/** Makes the calls of a handler with a permit of a circuit breaker, as a pipeline does. */
export class GuardedHandler implements Handler {
  readonly #handler: Handler;
  readonly #breaker: CircuitBreaker;
  readonly #lease = new LeaseController();

  constructor(handler: Handler, { log, health }: { log: Logger; health?: Health }) {
    this.#handler = handler;
    this.#breaker = new CircuitBreaker({ log, health, startsHalfOpen: handler.mayBeRefused });
  }

  async handle(event: InboundEvent, signal: AbortSignal, attempt?: number): Promise<Result> {
    const permit = this.#breaker.permit ?? await this.#breaker.enter(aDelivery(this.#lease));
    try {
      const result = await this.#handler.handle(event, signal, attempt);
      this.#breaker.record(result, event.key, permit);
      return result;
    } catch (error) {
      if (error instanceof HandlerError) this.#breaker.record(error, event.key, permit);
      throw error;
    } finally {
      this.#breaker.leave(permit);
    }
  }

  update(config: HandlerConfig): void {
    this.#handler.update?.(config);
    this.#breaker.renew();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lease.end();
    await this.#handler[Symbol.asyncDispose]();
  }
}
