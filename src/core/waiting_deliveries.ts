import type { Delivery } from "./delivery.ts";
import { EventNotSettledError } from "./listener.ts";

interface Waiter<Value> {
  readonly delivery: Delivery;
  readonly resolve: (value: Value | Promise<Value>) => void;
  readonly reject: (error: Error) => void;
}

/** Deliveries that wait for something, in order of arrival or by position. Thousands may wait while a few events fail. */
export class WaitingDeliveries<Value> {
  readonly #waiters: Waiter<Value>[] = [];
  readonly #isByPosition: boolean;

  constructor({ byPosition = false }: { byPosition?: boolean } = {}) {
    this.#isByPosition = byPosition;
  }

  get first(): Delivery | undefined {
    return this.#waiters[0]?.delivery;
  }

  /** The first one whose work may begin. */
  get firstThatMayBegin(): Delivery | undefined {
    return this.#waiters.find(({ delivery }) => delivery.mayBegin)?.delivery;
  }

  /**
   * Resolves when the delivery is admitted.
   *
   * @throws {EventNotSettledError} when it is turned away
   */
  add(delivery: Delivery): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#waiters.splice(this.#indexFor(delivery), 0, { delivery, resolve, reject });
    });
  }

  admit(delivery: Delivery, value: Value | Promise<Value>): void {
    const index = this.#waiters.findIndex((waiter) => waiter.delivery === delivery);
    this.#waiters.splice(index, 1)[0]?.resolve(value);
  }

  admitAll(value: Value): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve(value);
  }

  /** Turns all others away: their lease ended first. */
  keepOnly(mayWait: (delivery: Delivery) => boolean): void {
    for (const waiter of this.#waiters.splice(0)) {
      if (mayWait(waiter.delivery)) this.#waiters.push(waiter);
      else waiter.reject(new EventNotSettledError("The lease ended before its turn"));
    }
  }

  #indexFor({ event: { position } }: Delivery): number {
    let index = this.#waiters.length;
    if (!this.#isByPosition) return index;
    // Most belong at the end.
    while (index > 0 && this.#waiters[index - 1]!.delivery.event.position > position) index--;
    return index;
  }
}
