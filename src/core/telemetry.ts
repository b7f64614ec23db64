import type { Delivery } from "./delivery.ts";
import type { CallOutcome } from "./handler.ts";

/** What a record holds. The event itself is stored only in a redrive, which has no telemetry. */
export type RecordContent = "result" | "dead letter" | "event";

/** Receives what happens to events, for metrics and traces. It must neither block nor throw. */
export interface Telemetry {
  /** A delivery has entered its present state. It begins in `waiting`, without a call of this. */
  entered(delivery: Delivery): void;
  /** A call has ended. */
  called(delivery: Delivery, outcome: CallOutcome, durationMs: number): void;
  /** A record was stored. */
  stored(delivery: Delivery, content: RecordContent, place: string): void;
  settled(delivery: Delivery, how: "done" | "deadLetter" | "discarded" | "skipped"): void;
}
