import { Delivery } from "../../../src/core/delivery.ts";
import type { AttemptsMade, InboundEvent } from "../../../src/core/event.ts";
import type { Lease } from "../../../src/core/lease.ts";
import { type Deliver, EventNotSettledError, type Listener } from "../../../src/core/listener.ts";

/** Delivers the events it was made with, all at once, and ends when they have come to an end. */
export class FakeListener implements Listener {
  /** What became of each event, in the order in which that showed: `ORDERS[0]@1 settled`. */
  readonly outcomes: string[] = [];
  /** All deliveries, in their order. */
  readonly deliveries: Delivery[] = [];
  /** Attempts that were noted last for any of its events. */
  attempts: AttemptsMade | undefined;
  readonly #events: readonly InboundEvent[];
  readonly #underWay = new Set<Delivery>();

  constructor(...events: InboundEvent[]) {
    this.#events = events;
  }

  /** Whether work on any event is in progress. */
  get isWorking(): boolean {
    return [...this.#underWay].some(({ state }) => state === "calling" || state === "storing");
  }

  async listen(deliver: Deliver, lease: Lease): Promise<void> {
    await Promise.all(this.#events.map(async (event) => {
      const place = `${event.origin}`;
      const delivery = this.delivery(event, lease);
      this.deliveries.push(delivery);
      this.#underWay.add(delivery);
      try {
        await deliver(delivery);
        this.settled(delivery);
        this.outcomes.push(`${place} settled`);
      } catch (error) {
        if (!(error instanceof EventNotSettledError)) throw error;
        this.outcomes.push(`${place} not settled: ${error.message}`);
      } finally {
        this.#underWay.delete(delivery);
      }
    }));
  }

  protected delivery(event: InboundEvent, lease: Lease): Delivery {
    const delivery = new Delivery(event, lease);
    delivery.noteAttempts = (attempts) => void (this.attempts = attempts);
    return delivery;
  }

  protected settled(_delivery: Delivery): void {}

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
