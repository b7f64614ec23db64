import type { Failure } from "./record_batcher.ts";

/** Refusals of a whole batch for what some of its records are. */
const ABOUT_RECORDS = new Map<unknown, Failure["remedy"]>([
  ["CORRUPT_MESSAGE", "split"],
  ["INVALID_RECORD", "split"],
  ["INVALID_TIMESTAMP", "split"],
  ["MESSAGE_TOO_LARGE", "shrink"],
  ["RECORD_LIST_TOO_LARGE", "shrink"],
]);

/** Broker and producer do not agree on what came before. */
const ABOUT_NUMBERS = new Set<unknown>([
  "DUPLICATE_SEQUENCE_NUMBER",
  "INVALID_PRODUCER_EPOCH",
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
]);

/** What can be done about a failure, by the words of kafkajs's errors. */
export function remedyFor(error: unknown): Failure["remedy"] {
  const { type, retriable } = Object(error);
  return ABOUT_RECORDS.get(type) ??
    (retriable === true || isAboutNumbers(error) ? "repeat" : "none");
}

/** Whether a producer that starts to count anew gets over it. */
export function isAboutNumbers(error: unknown): boolean {
  return ABOUT_NUMBERS.has(Object(error).type);
}
