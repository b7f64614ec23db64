import type { InboundEvent } from "./event.ts";
import type { Lease } from "./lease.ts";

/**
 * Hands one event to the pipeline. The promise is the acknowledgement:
 *
 * - resolved: the event is settled and may be committed;
 * - rejected with {@linkcode EventNotSettledError}: the lease ended first, so the event must come again;
 * - rejected with anything else: the pipeline cannot go on.
 *
 * A failure of the event itself never rejects. May be called again before an earlier promise has settled; calls for
 * one partition are made in the order of its offsets.
 */
export type Deliver = (event: InboundEvent, lease: Lease) => Promise<void>;

/** Brings events into a pipeline. */
export interface Listener extends AsyncDisposable {
  /**
   * Calls `deliver` for each event until `lease` is ending or the input has no more events, waits for what was
   * delivered, commits what settled, and resolves. Never commits past an event that has not settled. Called once.
   *
   * @throws when it cannot go on; the caller opens a new listener then.
   */
  listen(deliver: Deliver, lease: Lease): Promise<void>;
}

/** Says that an event's lease ended before the event was settled. It is not a failure. */
export class EventNotSettledError extends Error {
  override readonly name = "EventNotSettledError";
}
