import { Delivery } from "../../../src/core/delivery.ts";
import { type Lease, LeaseController } from "../../../src/core/lease.ts";
import { anEvent } from "../events.ts";

/** A delivery of an event that does not matter. */
export function aDelivery(lease: Lease = new LeaseController(), offset = 0): Delivery {
  return new Delivery(anEvent({ offset }), lease);
}
