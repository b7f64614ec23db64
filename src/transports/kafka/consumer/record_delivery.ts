import { Delivery, type DeliveryState } from "../../../core/delivery.ts";
import type { AttemptsMade, InboundEvent } from "../../../core/event.ts";
import type { PartitionLease } from "./partition_lease.ts";

/** A delivery of a record. The lease of its partition follows the work on it. */
export class RecordDelivery extends Delivery {
  readonly #lease: PartitionLease;

  constructor(event: InboundEvent, lease: PartitionLease) {
    super(event, lease);
    this.#lease = lease;
  }

  get offset(): number {
    return this.event.position;
  }

  override get mayBegin(): boolean {
    return this.#lease.admits(this.offset);
  }

  override enter(state: DeliveryState): void {
    const before = this.state;
    super.enter(state);
    if (state === "queued") this.#lease.noteQueued();
    else if (state === "calling") this.#lease.begin(this.offset);
    else if (state === "storing") this.#lease.noteStoring(this.offset);
    else if (isWork(before)) this.#lease.noteRetryPause(this.offset);
    if (before === "queued") this.#lease.noteUnqueued();
  }

  override noteAttempts(attempts: AttemptsMade): void {
    this.#lease.noteAttempts(this.offset, attempts);
  }

  /** The event has settled. */
  settled(): void {
    if (isWork(this.state)) this.#lease.finish(this.offset);
  }
}

function isWork(state: DeliveryState): boolean {
  return state === "calling" || state === "storing";
}
