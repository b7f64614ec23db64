import type { Delivery } from "./delivery.ts";
import type { CallOutcome } from "./handler.ts";

/** What a record holds. The event itself is stored only in a redrive, which has no telemetry. */
export type RecordContent = "result" | "dead letter" | "event";

/** Receives what happens to events, for metrics and traces. It must neither block nor throw. */
export interface Telemetry {
  /** A delivery has entered its present state. `waiting`, in which each begins, is not reported. */
  entered(delivery: Delivery): void;
  /** The handler has returned. With a `TemplateError`, it made no call. An aborted call is not reported. */
  called(delivery: Delivery, outcome: CallOutcome, durationMs: number): void;
  /** A record was stored. */
  stored(delivery: Delivery, content: RecordContent, place: string): void;
  settled(delivery: Delivery, how: "done" | "deadLetter" | "discarded" | "skipped"): void;
}
