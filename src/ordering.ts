import type { InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";
import { type Deliver, EventNotSettledError } from "./listener.ts";

/** What is handled one after the other: events of equal keys in a partition, all of a partition, or nothing. */
export type Ordering = "key" | "partition" | "none";

/** Names the lane of an event: events of one lane are handled one after the other. */
export type LaneOf = (event: InboundEvent) => string;

/** One lane for each partition. */
export function partitionLane({ origin }: InboundEvent): string {
  return `${origin.topic}[${origin.partition}]`;
}

/**
 * Wraps `deliver` so that the events of a lane are handled one after the other, in the order in which they were handed
 * over, while lanes run side by side. An event whose lease is ending when its turn comes is not started.
 */
export function inOrder(deliver: Deliver, laneOf: LaneOf): Deliver {
  const lastOfLane = new Map<string, Promise<void>>();

  async function afterPrevious(previous: Promise<void>, event: InboundEvent, lease: Lease) {
    // An earlier event that did not settle had its own lease; whether this one may go on, its lease tells.
    await previous.catch(() => {});
    if (lease.ending.aborted) throw new EventNotSettledError("The lease ended before its turn");
    await deliver(event, lease);
  }

  return (event, lease) => {
    const lane = laneOf(event);
    const turn = afterPrevious(lastOfLane.get(lane) ?? Promise.resolve(), event, lease);
    lastOfLane.set(lane, turn);
    const leave = () => {
      if (lastOfLane.get(lane) === turn) lastOfLane.delete(lane);
    };
    turn.then(leave, leave);
    return turn;
  };
}
