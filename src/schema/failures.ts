import type { OnFailure, OnTombstone, RetryConfig } from "../core/failure_policy.ts";
import { choice, decimal, duration, integer, type Scalar, toSchema } from "./scalar.ts";
import { oneOrList, section } from "./section.ts";

/** Statuses that invite a retry, or that gateways send while they restart. */
const TRANSIENT_STATUSES = [408, 425, 429, 500, 502, 503, 504];

const status = integer(400, 599);

/** An outcome that calls are repeated for. */
const cause: Scalar<number | "noResponse"> = {
  expected: `${status.expected}, or noResponse`,
  json: { anyOf: [{ const: "noResponse" }, { type: "integer", minimum: 400, maximum: 599 }] },
  read(input) {
    const reading = input === "noResponse" ? { value: input } as const : status.read(input);
    return "value" in reading ? reading : { expected: cause.expected };
  },
};

/** The minimum keeps an unreachable endpoint from being called without pause. */
const delay = duration({ min: "10ms", max: "24h" });

/** `retry`; null when absent. */
export const retrySchema = section({
  maxAttempts: toSchema(integer(1, 1_000_000)).prefault(5).describe(
    "The maximum number of calls for an event. Calls in an outage do not count, nor do unanswered calls that the event did not cause",
  ),
  initialDelay: toSchema(delay).prefault("500ms").describe(
    "The maximum pause before the second call",
  ),
  maxDelay: toSchema(delay).prefault("30s").describe("The maximum pause before any later call"),
  multiplier: toSchema(decimal(1, 100)).prefault(2).describe(
    "The factor by which the maximum pause grows with each call",
  ),
  jitter: toSchema(choice({ full: "full" as const, none: "none" as const })).prefault("full")
    .describe("`full`: a random pause up to the maximum; `none`: always the maximum"),
  on: oneOrList(toSchema(cause)).prefault([...TRANSIENT_STATUSES, "noResponse"]).describe(
    "Which outcomes are retried: statuses, and `noResponse`, which includes responses that break off; one or a list",
  ),
}).transform(({ maxAttempts, initialDelay, maxDelay, multiplier, jitter, on }): RetryConfig => ({
  maxAttempts,
  backoff: { initialDelayMs: initialDelay, maxDelayMs: maxDelay, multiplier, jitter },
  on,
})).optional().transform((retry) => retry ?? null).describe(
  "How transient error responses are retried; without it, they are results at once",
);

/** `onFailure`; its default depends on the pipeline. */
export const onFailureSchema = toSchema(
  choice<OnFailure>({ block: "block", deadLetter: "deadLetter", discard: "discard" }),
).optional().describe(
  "What happens to an event that has failed for good. With a section `deadLetter`, `deadLetter` is the default and the only choice: it is stored there. Otherwise `block`, the default, holds up later events, and `discard` drops it",
);

export const onTombstoneSchema = toSchema(
  choice<OnTombstone>({ send: "send", skip: "skip", forward: "forward" }),
).prefault("send").describe(
  "How an event without a value is handled: `send` it with an empty body, `skip` it, or `forward` it to the result processors for `onSuccess`",
);
