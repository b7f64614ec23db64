import { CallSlots } from "../../../src/core/call_slots.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import type { PartitionLease } from "../../../src/transports/kafka/consumer/partition_lease.ts";
import { promisesSettled } from "../eventually.ts";
import { OpenPartition } from "../kafka/open_partition.ts";

/** Calls of leases that have one letter each: those that wait, and those that have a slot. */
export class Calls {
  /** The leases of the calls that have started, in that order. */
  readonly started: string[] = [];
  readonly turnedAway: string[] = [];
  readonly #slots: CallSlots;
  readonly #partitions: ReadonlyMap<string, OpenPartition>;
  readonly #running = new Map<string, number>();
  #nextOffset = 0;

  constructor({ concurrency, leases }: { concurrency: number; leases: string }) {
    this.#slots = new CallSlots(concurrency);
    this.#partitions = new Map([...leases].map((name) => [name, new OpenPartition()]));
    for (const { lease } of this.#partitions.values()) lease.leaseCount = leases.length;
  }

  lease(name: string): PartitionLease {
    return this.#partition(name).lease;
  }

  #partition(name: string): OpenPartition {
    const partition = this.#partitions.get(name);
    if (partition === undefined) throw new Error(`There is no lease ${name}`);
    return partition;
  }

  running(name: string): number {
    return this.#running.get(name) ?? 0;
  }

  shares(): Record<string, number> {
    return Object.fromEntries(
      [...this.#partitions.keys()].map((name) => [name, this.running(name)]),
    );
  }

  /** Has so many more calls ask for a slot. */
  async want(name: string, count: number): Promise<void> {
    for (let call = 0; call < count; call++) {
      this.#slots.take(this.#partition(name).at(this.#nextOffset++)).then(() => {
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
    this.#slots.giveBack(this.#partition(name).at(0), { wasAnswered });
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
