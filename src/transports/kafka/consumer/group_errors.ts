import type { ConsumerGroup } from "../kafkajs/types.ts";

// What the errors of a group and its coordinator mean.

/** While no coordinator serves the group. They pass; only asking again helps. */
const NOT_SERVING = new Set<unknown>([
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "REQUEST_TIMED_OUT",
]);

/** The group refuses the member until its other members change. */
const REFUSALS = new Set<unknown>([
  "INCONSISTENT_GROUP_PROTOCOL",
  // The group exists, but with another protocol.
  "GROUP_ID_NOT_FOUND",
  "GROUP_MAX_SIZE_REACHED",
  "UNREADABLE_ASSIGNMENT",
]);

/** The group has removed the member. */
const FENCED = new Set<unknown>(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION"]);

/** Whether an error or one of its causes says that no coordinator serves the group at present. */
export function isNotServing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return NOT_SERVING.has(typeOf(error)) || error.name === "KafkaJSGroupCoordinatorNotFound" ||
    isNotServing(error.cause);
}

/** Whether to repeat a request to the same coordinator. If it has moved, the member looks for it. */
export function isUnservedRequest(error: unknown): boolean {
  return isNotServing(error) && typeOf(error) !== "NOT_COORDINATOR_FOR_GROUP";
}

/** The error type of a refusal by the group; undefined for other errors. */
export function refusalOf(error: unknown): string | undefined {
  const type = typeOf(error);
  return REFUSALS.has(type) ? String(type) : undefined;
}

/** Whether the group has removed the member: others may own its partitions. */
export function isFenced(error: unknown): boolean {
  return FENCED.has(typeOf(error));
}

/** Whether a commit was refused because its partitions are being, or were, given to others. */
export function isCommitRefused(error: unknown): boolean {
  return isFenced(error) || typeOf(error) === "REBALANCE_IN_PROGRESS";
}

/**
 * Whether a failed join may be repeated. kafkajs throws an error without a type when it has used up its retries on
 * rebalances, unknown member ids or moved coordinators.
 */
export function mayJoinLater(error: unknown): boolean {
  const { name, cause } = Object(error);
  return refusalOf(error) !== undefined || isNotServing(error) ||
    name === "KafkaJSNumberOfRetriesExceeded" && Object(cause).name === "KafkaJSError";
}

/**
 * Returns the error of a failed heartbeat, or NOT_COORDINATOR_FOR_GROUP if the coordinator has left the cluster.
 * kafkajs would keep asking that broker, and commit nothing for most of a minute. With this error it finds the new
 * coordinator and rejoins.
 */
export function heartbeatFailure(
  error: unknown,
  { coordinator, cluster }: Pick<ConsumerGroup, "coordinator" | "cluster">,
): unknown {
  const { metadata } = cluster.brokerPool;
  // A broker that answers has not left.
  const isAnswer = error instanceof Error && error.name === "KafkaJSProtocolError";
  if (isAnswer || coordinator === null || metadata === null) return error;
  const isThere = metadata.brokers.some(({ nodeId }) => `${nodeId}` === `${coordinator.nodeId}`);
  if (isThere) return error;
  const reason = `Broker ${coordinator.nodeId}, which coordinated the group, has left the cluster`;
  return Object.assign(new Error(reason, { cause: error }), {
    type: "NOT_COORDINATOR_FOR_GROUP",
    retriable: true,
  });
}

function typeOf(error: unknown): unknown {
  return Object(error).type;
}
