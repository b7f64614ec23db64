import type { Delivery } from "./delivery.ts";
import type { Lease } from "./lease.ts";

/**
 * Hands one event to the pipeline. The promise is the acknowledgement:
 *
 * - resolved: the event is settled and may be committed;
 * - rejected with {@linkcode EventNotSettledError}: the lease ended first, so the event must be delivered again;
 * - rejected with anything else: the pipeline cannot go on.
 *
 * A failure of the event itself never rejects. Calls may overlap. Those for one lease come in the order of positions.
 */
export type Deliver = (delivery: Delivery) => Promise<void>;

/** Delivers events to a pipeline. */
export interface Listener extends AsyncDisposable {
  /**
   * Calls `deliver` for each event until `lease` is ending or the input ends. Then waits for delivered events, commits
   * settled ones, and resolves. Never commits past an unsettled event. Called once.
   *
   * @throws when it cannot go on; the caller then opens a new listener.
   */
  listen(deliver: Deliver, lease: Lease): Promise<void>;
}

/** The lease ended before the event settled. This is no failure. */
export class EventNotSettledError extends Error {
  override readonly name = "EventNotSettledError";
}
