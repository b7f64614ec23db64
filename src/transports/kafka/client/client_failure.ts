import { AccessRefusedError, refusalIn } from "../../../core/access_refused.ts";

/** Types of kafkajs's errors when the user is known but lacks a permission (ACL). */
const NOT_ALLOWED = new Set<unknown>([
  "CLUSTER_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "TOPIC_AUTHORIZATION_FAILED",
]);

/** Names of errors after which kafkajs never retries. */
const PROGRAM_ERRORS = new Set(["RangeError", "ReferenceError", "SyntaxError", "TypeError"]);

/**
 * Turns an error of kafkajs into one for users. A refusal is returned unchanged, as its message is complete.
 *
 * @param action begins the message, before the reason
 */
export function clientFailure(action: string, cause: unknown): Error {
  const refusal = refusalIn(cause);
  if (refusal !== null) return refusal;
  const message = `${action}: ${reasonIn(cause)}`;
  return isRefusal(cause)
    ? new AccessRefusedError(message, { cause })
    : new Error(message, { cause });
}

/** Whether a broker refuses the client, or the user lacks a permission. */
export function isRefusal(error: unknown): boolean {
  return refusalIn(error) !== null || NOT_ALLOWED.has(Object(rootOf(error)).type);
}

/** Whether retrying cannot help. */
export function isFinal(error: unknown): boolean {
  const { retriable, name } = Object(error);
  return retriable === false || PROGRAM_ERRORS.has(name);
}

/** The root message of an error, with what to do when a permission is missing. */
export function reasonIn(error: unknown): string {
  const reason = rootMessage(error);
  return NOT_ALLOWED.has(Object(rootOf(error)).type)
    ? `${reason}: give the user the permission (ACL)`
    : reason;
}

/** The message of the root cause: kafkajs wraps an error several times. */
export function rootMessage(error: unknown): string {
  const root = rootOf(error);
  return root instanceof Error ? root.message : String(root);
}

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? rootOf(error.cause) : error;
}
