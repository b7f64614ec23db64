import type { InboundEvent } from "../../../src/core/event.ts";
import type { Lease } from "../../../src/core/lease.ts";
import { type Deliver, EventNotSettledError, type Listener } from "../../../src/core/listener.ts";

/** Delivers the events it was made with, all at once, and ends when they have come to an end. */
export class FakeListener implements Listener {
  /** What became of each event, in the order in which that showed: `ORDERS[0]@1 settled`. */
  readonly outcomes: string[] = [];
  readonly #events: readonly InboundEvent[];

  constructor(...events: InboundEvent[]) {
    this.#events = events;
  }

  async listen(deliver: Deliver, lease: Lease): Promise<void> {
    await Promise.all(this.#events.map(async (event) => {
      const place = `${event.origin}`;
      try {
        await deliver(event, lease);
        this.outcomes.push(`${place} settled`);
      } catch (error) {
        if (!(error instanceof EventNotSettledError)) throw error;
        this.outcomes.push(`${place} not settled: ${error.message}`);
      }
    }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
