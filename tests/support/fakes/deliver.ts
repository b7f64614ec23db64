import type { Delivery } from "../../../src/core/delivery.ts";
import type { InboundEvent } from "../../../src/core/event.ts";
import type { Deliver } from "../../../src/core/listener.ts";

/** Stands for a pipeline: notes what it is handed, and settles an event when the test says so. */
export class FakeDeliver {
  /** Places of the events in the order in which they came: `ORDERS[0]@1`. */
  readonly started: string[] = [];
  readonly deliveries: Delivery[] = [];
  onDelivery: (delivery: Delivery) => void = () => {};
  readonly #running = new Map<string, PromiseWithResolvers<void>>();

  /** Places of the events that have come and not settled. */
  get running(): string[] {
    return [...this.#running.keys()];
  }

  get events(): InboundEvent[] {
    return this.deliveries.map(({ event }) => event);
  }

  /** The delivery of the event at a place. */
  at(place: string): Delivery {
    const delivery = this.deliveries.find(({ event }) => `${event.origin}` === place);
    if (delivery === undefined) throw new Error(`${place} was not delivered`);
    return delivery;
  }

  readonly deliver: Deliver = (delivery) => {
    const place = `${delivery.event.origin}`;
    const settling = Promise.withResolvers<void>();
    this.deliveries.push(delivery);
    this.onDelivery(delivery);
    this.started.push(place);
    this.#running.set(place, settling);
    return settling.promise;
  };

  settle(place: string): void {
    this.#take(place).resolve();
  }

  reject(place: string, error: Error): void {
    this.#take(place).reject(error);
  }

  #take(place: string): PromiseWithResolvers<void> {
    const settling = this.#running.get(place);
    if (settling === undefined) throw new Error(`Cannot settle ${place} as it does not run`);
    this.#running.delete(place);
    return settling;
  }
}
