import type { Bytes, InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";
import { type Deliver, EventNotSettledError } from "./listener.ts";

/** What is handled one after the other: events of equal keys in a partition, all of a partition, or nothing. */
export type Ordering = "key" | "partition" | "none";

/** Events of one lane are handled one after the other; a lease has its own lanes. */
type Lane = string | null;

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
  const lanesOfLease = new WeakMap<Lease, Map<Lane, Promise<void>>>();

  function lanesOf(lease: Lease): Map<Lane, Promise<void>> {
    const known = lanesOfLease.get(lease);
    if (known !== undefined) return known;
    const lanes = new Map<Lane, Promise<void>>();
    lanesOfLease.set(lease, lanes);
    return lanes;
  }

  async function after(previous: Promise<void>, event: InboundEvent, lease: Lease) {
    await previous.catch(() => {});
    if (lease.ending.aborted && !lease.admits(event.origin.offset)) {
      throw new EventNotSettledError("The lease ended before its turn");
    }
    await deliver(event, lease);
  }

  return (event, lease) => {
    const lastOfLane = lanesOf(lease);
    const lane = laneOf(event);
    const previous = lastOfLane.get(lane);
    const turn = previous ? after(previous, event, lease) : deliver(event, lease);
    lastOfLane.set(lane, turn);
    const leave = () => {
      if (lastOfLane.get(lane) === turn) lastOfLane.delete(lane);
    };
    turn.then(leave, leave);
    return turn;
  };
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
