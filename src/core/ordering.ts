import type { Delivery } from "./delivery.ts";
import type { Bytes, InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";
import type { Deliver } from "./listener.ts";
import { WaitingDeliveries } from "./waiting_deliveries.ts";

/** Which events of a lease are handled one after the other: those with equal keys, all (`partition`), or none. */
export type Ordering = "key" | "partition" | "none";

/** Its events are handled one after the other. A lease has its own ordering keys. */
type OrderingKey = string | null;

/** Code units that one call of `String.fromCharCode()` can take. */
const MAX_CODE_UNITS = 4096;

/**
 * Wraps `deliver` so that events of one ordering key are handled one after the other, in order of delivery. Others run
 * side by side. Rejects an event that may no longer begin when its turn comes.
 */
export function inOrder(deliver: Deliver, ordering: Ordering): Deliver {
  if (ordering === "none") return deliver;
  const keyOf = ordering === "key" ? orderingKey : () => null;
  const ofLease = new WeakMap<Lease, OrderingKeys>();
  return (delivery) => {
    const { event, lease } = delivery;
    const keys = ofLease.get(lease) ?? new OrderingKeys(deliver);
    ofLease.set(lease, keys);
    return keys.deliver(delivery, keyOf(event));
  };
}

/** The ordering keys of a lease that have an event in progress, and the events that wait for it. */
class OrderingKeys {
  readonly #deliver: Deliver;
  readonly #waiting = new Map<OrderingKey, WaitingDeliveries<void> | undefined>();

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
  }

  deliver(delivery: Delivery, key: OrderingKey): Promise<void> {
    if (this.#waiting.has(key)) {
      const waiting = this.#waiting.get(key) ?? new WaitingDeliveries<void>();
      this.#waiting.set(key, waiting);
      return waiting.add(delivery);
    }
    this.#waiting.set(key, undefined);
    return this.#handle(delivery, key);
  }

  #handle(delivery: Delivery, key: OrderingKey): Promise<void> {
    const handled = this.#deliver(delivery);
    const goOn = () => this.#goOn(key);
    handled.then(goOn, goOn);
    return handled;
  }

  #goOn(key: OrderingKey): void {
    const waiting = this.#waiting.get(key);
    if (waiting?.first?.lease.ending.aborted) waiting.keepOnly(({ mayBegin }) => mayBegin);
    const next = waiting?.first;
    if (next === undefined) this.#waiting.delete(key);
    else waiting?.admit(next, this.#handle(next, key));
  }
}

/** Whether an event keeps its order to all others of its order group, rather than to those of its key or none. */
export function isOrderedByGroup({ key }: InboundEvent, ordering: Ordering): boolean {
  return ordering === "partition" || (ordering === "key" && key === null);
}

/** Events without a key share one ordering key; an empty key is a key. */
function orderingKey({ key }: InboundEvent): OrderingKey {
  return key === null ? null : asText(key);
}

/** One code unit per byte: short, and different for different bytes. */
function asText(bytes: Bytes): string {
  if (bytes.length <= MAX_CODE_UNITS) return String.fromCharCode.apply(null, bytes as never);
  let text = "";
  for (let start = 0; start < bytes.length; start += MAX_CODE_UNITS) {
    text += String.fromCharCode(...bytes.subarray(start, start + MAX_CODE_UNITS));
  }
  return text;
}
