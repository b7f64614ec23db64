import type { RecordPlace } from "./partition_queue.ts";

/** Where the first record of a batch is stored, or why the batch may not be stored. */
export type Outcome = RecordPlace | Failure;

/** A failure to store a batch. */
export interface Failure {
  /** The error that the batch's records reject with. */
  readonly error: Error;
  /**
   * `repeat`: sending it again may help. `split`: the broker refuses some of its records, perhaps not all. `shrink`:
   * the same, as the batch is too large for the topic. `none`: nothing helps.
   */
  readonly remedy: "repeat" | "split" | "shrink" | "none";
}

/** Error types by which a broker refuses a whole batch because of some records. */
const ABOUT_RECORDS = new Map<unknown, Failure["remedy"]>([
  ["CORRUPT_MESSAGE", "split"],
  ["INVALID_RECORD", "split"],
  ["INVALID_TIMESTAMP", "split"],
  ["MESSAGE_TOO_LARGE", "shrink"],
  ["RECORD_LIST_TOO_LARGE", "shrink"],
]);

/** Error types when the broker does not accept the producer's id, epoch or sequence numbers. */
const ABOUT_NUMBERS = new Set<unknown>([
  "DUPLICATE_SEQUENCE_NUMBER",
  "INVALID_PRODUCER_EPOCH",
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
]);

/** The remedy for a failure, by the type of kafkajs's error. */
export function remedyFor(error: unknown): Failure["remedy"] {
  const { type, retriable } = Object(error);
  return ABOUT_RECORDS.get(type) ??
    (retriable === true || isAboutNumbers(error) ? "repeat" : "none");
}

/** Whether a new producer, with new sequence numbers, resolves the failure. */
export function isAboutNumbers(error: unknown): boolean {
  return ABOUT_NUMBERS.has(Object(error).type);
}
