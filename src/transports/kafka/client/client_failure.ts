import { AccessRefusedError, refusalIn } from "../../../core/access_refused.ts";

/** Brokers know who it is, and do not allow it. By the words of kafkajs's errors. */
const NOT_ALLOWED = new Set<unknown>([
  "CLUSTER_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "TOPIC_AUTHORIZATION_FAILED",
]);

/**
 * What went wrong with brokers as an error for users. A refusal stays one, which says all there is to say.
 *
 * @param action completes the message in front of the reason
 */
export function clientFailure(action: string, cause: unknown): Error {
  const refusal = refusalIn(cause);
  if (refusal !== null) return refusal;
  const message = `${action}: ${reasonIn(cause)}`;
  return isRefusal(cause)
    ? new AccessRefusedError(message, { cause })
    : new Error(message, { cause });
}

/** Whether a client is not let in, or not allowed what it asks for. */
export function isRefusal(error: unknown): boolean {
  return refusalIn(error) !== null || NOT_ALLOWED.has(Object(rootOf(error)).type);
}

/** The last reason in a chain of errors, with what to do when something is not allowed. */
export function reasonIn(error: unknown): string {
  const reason = rootMessage(error);
  return NOT_ALLOWED.has(Object(rootOf(error)).type)
    ? `${reason}: give the user the permission (ACL)`
    : reason;
}

/** The last reason in a chain of errors: kafkajs wraps what happened several times. */
export function rootMessage(error: unknown): string {
  const root = rootOf(error);
  return root instanceof Error ? root.message : String(root);
}

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? rootOf(error.cause) : error;
}
