import type { AttemptsMade, InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";
import type { Telemetry } from "./telemetry.ts";

/**
 * What becomes of a delivered event. Each but the first is entered at the moment it comes true:
 *
 * - `waiting`: for its turn in its order, or for the circuit breaker.
 * - `queued`: only a call slot is missing.
 * - `calling`: work has begun: a call is in flight, or its record is being stored for the first time. Also for an event
 *   that needs no call.
 * - `backingOff`: an attempt has failed, or the circuit breaker opened before the call; the event pauses before it is
 *   queued again.
 * - `storing`: storing its record has failed and is repeated. A crash from here on does not count against the event.
 * - `givenUp`: its lease ended first, so it must be delivered again.
 */
export type DeliveryState =
  | "waiting"
  | "queued"
  | "calling"
  | "backingOff"
  | "storing"
  | "givenUp";

/**
 * One delivery of an event: all that the core tells the listener about it, except its outcome, which is that of the
 * promise of `deliver`. A listener whose source acknowledges each event by itself needs no subclass.
 */
export class Delivery {
  readonly event: InboundEvent;
  readonly lease: Lease;
  /** Set by the pipeline. */
  telemetry: Telemetry | undefined;
  #state: DeliveryState = "waiting";

  constructor(event: InboundEvent, lease: Lease) {
    this.event = event;
    this.lease = lease;
  }

  get state(): DeliveryState {
    return this.#state;
  }

  /** Whether work on the event may begin. */
  get mayBegin(): boolean {
    return !this.lease.ending.aborted;
  }

  enter(state: DeliveryState): void {
    this.#state = state;
    this.telemetry?.entered(this);
  }

  /** Records the attempts made so far, for a listener that can hand them on to the next one. */
  noteAttempts(_attempts: AttemptsMade): void {}
}
