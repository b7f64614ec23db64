import type { History, Limits } from "./history.ts";
import type { World } from "./world.ts";

/** How much of a row. */
export interface Size {
  /** At least so many events are sent. */
  readonly events: number;
  readonly perSecond: number;
  readonly faults: number;
  /** How long a fault lasts that has a duration. */
  readonly faultMs?: number;
  /** More than one are the row's own: a cluster in which each record stands three times. */
  readonly brokers?: number;
}

/** Makes of what was seen what is to be checked, when a fault has taken events away. */
export type Amendment = (history: History) => History;

/** A kind of fault, and what must be true though it happens. */
export interface Row {
  /** The one that it has in the test plan. */
  readonly number: number;
  readonly fault: string;
  /** Null when it takes too much for the short form. */
  readonly short: Size | null;
  readonly long: Size;
  /** Partitions of the topics; otherwise as many as the form of the suite has. */
  readonly partitions?: number;
  /** What it may do, beyond what none may; asked for after the run. */
  limits(world: World): Limits;
  /** Starts what it needs, brings its faults about, and returns when everything has been sent. */
  run(world: World): Promise<Amendment | void>;
  /** What of the row's own expectations did not come true, once all is over. */
  examine?(history: History, world: World): readonly string[];
}
