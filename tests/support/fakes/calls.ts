import { CallSlots } from "../../../src/core/call_slots.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import { promisesSettled } from "../eventually.ts";

/** Calls of leases that have one letter each: those that wait, and those that have a slot. */
export class Calls {
  /** The leases of the calls that have started, in that order. */
  readonly started: string[] = [];
  readonly turnedAway: string[] = [];
  readonly #slots: CallSlots;
  readonly #leases: ReadonlyMap<string, LeaseController>;
  readonly #running = new Map<string, number>();
  #nextOffset = 0;

  constructor({ concurrency, leases }: { concurrency: number; leases: string }) {
    this.#slots = new CallSlots(concurrency);
    this.#leases = new Map([...leases].map((name) => [name, new LeaseController()]));
    for (const lease of this.#leases.values()) lease.peers = leases.length;
  }

  lease(name: string): LeaseController {
    const lease = this.#leases.get(name);
    if (lease === undefined) throw new Error(`There is no lease ${name}`);
    return lease;
  }

  running(name: string): number {
    return this.#running.get(name) ?? 0;
  }

  shares(): Record<string, number> {
    return Object.fromEntries([...this.#leases.keys()].map((name) => [name, this.running(name)]));
  }

  /** Has so many more calls ask for a slot. */
  async want(name: string, count: number): Promise<void> {
    for (let call = 0; call < count; call++) {
      this.#slots.take(this.lease(name), this.#nextOffset++).then(() => {
        this.started.push(name);
        this.#running.set(name, this.running(name) + 1);
      }, (error) => {
        if (!(error instanceof EventNotSettledError)) throw error;
        this.turnedAway.push(name);
      });
    }
    await promisesSettled();
  }

  /** Ends a call, if one runs. */
  async end(name: string, { wasAnswered = true } = {}): Promise<void> {
    if (this.running(name) === 0) return;
    this.#running.set(name, this.running(name) - 1);
    this.#slots.giveBack(this.lease(name), { wasAnswered });
    await promisesSettled();
  }

  /** Has a call of each answered. */
  async prove(names: string): Promise<void> {
    for (const name of names) {
      await this.want(name, 1);
      await this.end(name);
    }
    this.started.length = 0;
  }
}
