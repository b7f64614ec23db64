import type { Delivery } from "./delivery.ts";
import type { Bytes, InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";
import { type Deliver, EventNotSettledError } from "./listener.ts";

/** Which events are handled one after the other: those of a partition with equal keys, all of a partition, or none. */
export type Ordering = "key" | "partition" | "none";

/** Ordering key: its events are handled one after the other. A lease has its own ordering keys. */
type Lane = string | null;

interface Turn {
  readonly delivery: Delivery;
  readonly resolve: (handled: Promise<void>) => void;
  readonly reject: (error: Error) => void;
}

/** Code units that one call of `String.fromCharCode()` can take. */
const MAX_CODE_UNITS = 4096;

/**
 * Wraps `deliver` so that events of one ordering key are handled one after the other, in order of delivery. Others run
 * side by side. Rejects an event that may no longer begin when its turn comes.
 */
export function inOrder(deliver: Deliver, ordering: Ordering): Deliver {
  if (ordering === "none") return deliver;
  const laneOf = ordering === "key" ? keyLane : () => null;
  const lanesOfLease = new WeakMap<Lease, Lanes>();
  return (delivery) => {
    const { event, lease } = delivery;
    let lanes = lanesOfLease.get(lease);
    if (lanes === undefined) {
      lanes = new Lanes(deliver);
      lanesOfLease.set(lease, lanes);
    }
    return lanes.deliver(delivery, laneOf(event));
  };
}

/**
 * The ordering keys of a lease with an event in progress, and the events waiting there. Thousands may wait while a few
 * events fail, so a turn holds only what it needs to begin.
 */
class Lanes {
  readonly #deliver: Deliver;
  readonly #waiting = new Map<Lane, Turn[] | undefined>();

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
  }

  deliver(delivery: Delivery, lane: Lane): Promise<void> {
    if (!this.#waiting.has(lane)) {
      this.#waiting.set(lane, undefined);
      return this.#handle(delivery, lane);
    }
    return new Promise((resolve, reject) => {
      const turn = { delivery, resolve, reject };
      const waiting = this.#waiting.get(lane);
      if (waiting === undefined) this.#waiting.set(lane, [turn]);
      else waiting.push(turn);
    });
  }

  #handle(delivery: Delivery, lane: Lane): Promise<void> {
    const handled = this.#deliver(delivery);
    const goOn = () => this.#goOn(lane);
    handled.then(goOn, goOn);
    return handled;
  }

  #goOn(lane: Lane): void {
    const waiting = this.#waiting.get(lane) ?? [];
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
      const { delivery } = turn;
      if (!delivery.lease.ending.aborted || delivery.mayBegin) {
        return turn.resolve(this.#handle(delivery, lane));
      }
      turn.reject(new EventNotSettledError("The lease ended before its turn"));
    }
    this.#waiting.delete(lane);
  }
}

/** Whether an event is ordered by its partition, rather than by its key or not at all. */
export function isOrderedByPartition({ key }: InboundEvent, ordering: Ordering): boolean {
  return ordering === "partition" || (ordering === "key" && key === null);
}

/** Events without a key share one ordering key; an empty key is a key. */
function keyLane({ key }: InboundEvent): Lane {
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
