import type { Delivery } from "../../../src/core/delivery.ts";
import type { InboundEvent } from "../../../src/core/event.ts";
import type { PartitionLease } from "../../../src/transports/kafka/consumer/partition_lease.ts";
import type { RecordDelivery } from "../../../src/transports/kafka/consumer/record_delivery.ts";
import { FakeListener } from "../fakes/listener.ts";
import { OpenPartition } from "./open_partition.ts";

/** Delivers its events as those of one partition. */
export class PartitionListener extends FakeListener {
  readonly #partition = new OpenPartition();

  /** The lease of the partition, which can be suspended. */
  get lease(): PartitionLease {
    return this.#partition.lease;
  }

  protected override delivery(event: InboundEvent): RecordDelivery {
    return this.#partition.at(event.position, event);
  }

  protected override settled({ event }: Delivery): void {
    this.#partition.settle(event.position);
  }
}
