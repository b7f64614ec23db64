import { sleep } from "../../../core/backoff.ts";
import { isNotServing } from "./coordinator_waits.ts";

/** How long until a group that has refused a member is asked again: it should be joined soon after that is possible. */
const REFUSED_PAUSE_MS = 2000;

/** The same while it has no coordinator, or rebalances: that ends sooner. */
const UNSERVED_PAUSE_MS = 250;

/** How a group refuses a member, for as long as its other members are what they are. */
const REFUSALS = new Set<unknown>([
  "INCONSISTENT_GROUP_PROTOCOL",
  // The group exists, but not in the protocol of this member.
  "GROUP_ID_NOT_FOUND",
  "GROUP_MAX_SIZE_REACHED",
  "UNREADABLE_ASSIGNMENT",
]);

/** The code of a refusal by the group; undefined for all else. */
export function refusalOf(error: unknown): string | undefined {
  const { type } = Object(error);
  return REFUSALS.has(type) ? String(type) : undefined;
}

/**
 * Joins a group by `join`, again and again while the group or its coordinator does not let the member in, until it is
 * left.
 *
 * @throws {Error} what `join` has failed with when time alone does not help, or when the group was left
 */
export async function joinPatiently(
  join: () => Promise<void>,
  { left, refused }: {
    left: AbortSignal;
    /** Called when the group refuses the member. Must not fail. */
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
 * Whether kafkajs has asked several times, and each time the group was rebalancing, did not know the member, or was
 * coordinated by another broker. kafkajs keeps no more of that than an error without a type.
 */
function isGivenUpByKafkajs(error: unknown): boolean {
  const { name, cause } = Object(error);
  return name === "KafkaJSNumberOfRetriesExceeded" && Object(cause).name === "KafkaJSError";
}
