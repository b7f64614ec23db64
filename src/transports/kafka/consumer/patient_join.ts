import { sleep } from "../../../core/backoff.ts";
import { isNotServing } from "./coordinator_waits.ts";

/** Pause after a refusal by the group; short, so that the member joins soon after it can. */
const REFUSED_PAUSE_MS = 2000;

/** Pause while the group has no coordinator or rebalances, which ends sooner. */
const UNSERVED_PAUSE_MS = 250;

/** Errors by which a group refuses a member until its other members change. */
const REFUSALS = new Set<unknown>([
  "INCONSISTENT_GROUP_PROTOCOL",
  // The group exists, but with another protocol.
  "GROUP_ID_NOT_FOUND",
  "GROUP_MAX_SIZE_REACHED",
  "UNREADABLE_ASSIGNMENT",
]);

/** The error type of a refusal by the group; undefined for other errors. */
export function refusalOf(error: unknown): string | undefined {
  const { type } = Object(error);
  return REFUSALS.has(type) ? String(type) : undefined;
}

/**
 * Joins a group, again and again while the group or its coordinator refuses, until `left` aborts.
 *
 * @throws {Error} the last error of `join`, when retrying cannot help or the group was left
 */
export async function joinPatiently(
  join: () => Promise<void>,
  { left, refused }: {
    left: AbortSignal;
    /** Called when the group refuses the member. Must not reject. */
    refused: (error: unknown) => Promise<void>;
  },
): Promise<void> {
  for (;;) {
    try {
      return await join();
    } catch (error) {
      if (left.aborted || !passes(error)) throw error;
      const isRefused = refusalOf(error) !== undefined;
      if (isRefused) await refused(error);
      await sleep(isRefused ? REFUSED_PAUSE_MS : UNSERVED_PAUSE_MS, left);
      if (left.aborted) throw error;
    }
  }
}

function passes(error: unknown): boolean {
  return refusalOf(error) !== undefined || isNotServing(error) || isGivenUpByKafkajs(error);
}

/**
 * Whether kafkajs has used up its retries on rebalances, unknown member ids or moved coordinators. It then throws an
 * error without a type.
 */
function isGivenUpByKafkajs(error: unknown): boolean {
  const { name, cause } = Object(error);
  return name === "KafkaJSNumberOfRetriesExceeded" && Object(cause).name === "KafkaJSError";
}
