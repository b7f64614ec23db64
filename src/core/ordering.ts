import type { Bytes, InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";
import { type Deliver, EventNotSettledError } from "./listener.ts";

/** What is handled one after the other: events of equal keys in a partition, all of a partition, or nothing. */
export type Ordering = "key" | "partition" | "none";

/** Events of one lane are handled one after the other; a lease has its own lanes. */
type Lane = string | null;

/** An event that waits for its turn. */
interface Turn {
  readonly event: InboundEvent;
  readonly resolve: (handled: Promise<void>) => void;
  readonly reject: (error: Error) => void;
}

/** Code units that one call of `String.fromCharCode()` can take. */
const MAX_CODE_UNITS = 4096;

/**
 * Wraps `deliver` so that events that have an order among them are handled one after the other, in the order in which
 * they were handed over, while others run side by side. One that had to wait for its turn, and that its lease does not
 * admit any more by then, is not delivered.
 */
export function inOrder(deliver: Deliver, ordering: Ordering): Deliver {
  if (ordering === "none") return deliver;
  const laneOf = ordering === "key" ? keyLane : () => null;
  const lanesOfLease = new WeakMap<Lease, Lanes>();
  return (event, lease) => {
    let lanes = lanesOfLease.get(lease);
    if (lanes === undefined) {
      lanes = new Lanes(lease, deliver);
      lanesOfLease.set(lease, lanes);
    }
    return lanes.deliver(event, laneOf(event));
  };
}

/**
 * The lanes of a lease in which an event is being handled, and what waits there. Thousands may wait while a few events
 * fail, so a turn is no more than what it takes to begin it.
 */
class Lanes {
  readonly #lease: Lease;
  readonly #deliver: Deliver;
  readonly #waiting = new Map<Lane, Turn[] | undefined>();

  constructor(lease: Lease, deliver: Deliver) {
    this.#lease = lease;
    this.#deliver = deliver;
  }

  deliver(event: InboundEvent, lane: Lane): Promise<void> {
    if (!this.#waiting.has(lane)) {
      this.#waiting.set(lane, undefined);
      return this.#handle(event, lane);
    }
    return new Promise((resolve, reject) => {
      const turn = { event, resolve, reject };
      const waiting = this.#waiting.get(lane);
      if (waiting === undefined) this.#waiting.set(lane, [turn]);
      else waiting.push(turn);
    });
  }

  #handle(event: InboundEvent, lane: Lane): Promise<void> {
    const handled = this.#deliver(event, this.#lease);
    const goOn = () => this.#goOn(lane);
    handled.then(goOn, goOn);
    return handled;
  }

  #goOn(lane: Lane): void {
    const { ending } = this.#lease;
    const waiting = this.#waiting.get(lane) ?? [];
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
      if (!ending.aborted || this.#lease.admits(turn.event.origin.offset)) {
        return turn.resolve(this.#handle(turn.event, lane));
      }
      turn.reject(new EventNotSettledError("The lease ended before its turn"));
    }
    this.#waiting.delete(lane);
  }
}

/** Whether an event has its place in an order of its partition, rather than in one of its key, or in none. */
export function isOrderedByPartition({ key }: InboundEvent, ordering: Ordering): boolean {
  return ordering === "partition" || (ordering === "key" && key === null);
}

/** Events without a key are one lane; an empty key is a key. */
function keyLane({ key }: InboundEvent): Lane {
  return key === null ? null : asText(key);
}

/** One code unit for each byte: short, and different for different bytes. */
function asText(bytes: Bytes): string {
  if (bytes.length <= MAX_CODE_UNITS) return String.fromCharCode.apply(null, bytes as never);
  let text = "";
  for (let start = 0; start < bytes.length; start += MAX_CODE_UNITS) {
    text += String.fromCharCode(...bytes.subarray(start, start + MAX_CODE_UNITS));
  }
  return text;
}
