import type { InboundEvent } from "../../../src/core/event.ts";
import { PartitionLease } from "../../../src/transports/kafka/consumer/partition_lease.ts";
import { RecordDelivery } from "../../../src/transports/kafka/consumer/record_delivery.ts";
import { anEvent } from "../events.ts";

/** Deliveries of a partition without a listener: the test says what becomes of them. */
export class OpenPartition {
  readonly lease = new PartitionLease();
  readonly #deliveries = new Map<number, RecordDelivery>();

  /** The delivery of an event, which is made when it is asked for first. */
  at(offset: number, event: InboundEvent = anEvent({ topic: "T", offset })): RecordDelivery {
    const known = this.#deliveries.get(offset);
    if (known !== undefined) return known;
    const delivery = new RecordDelivery(event, this.lease);
    this.#deliveries.set(offset, delivery);
    return delivery;
  }

  /** Has work on events begin. */
  begin(...offsets: readonly number[]): void {
    for (const offset of offsets) {
      this.at(offset).enter("queued");
      this.at(offset).enter("calling");
    }
  }

  settle(offset: number): void {
    this.at(offset).settled();
  }

  /** Which of these events may begin. */
  mayBegin(...offsets: readonly number[]): boolean[] {
    return offsets.map((offset) => this.at(offset).mayBegin);
  }
}
