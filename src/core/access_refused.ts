/**
 * The remote system refuses access or cannot be trusted: the configuration is wrong, or the system is. An immediate
 * retry is useless and can lock an account. The message names the cause without the secret.
 */
export class AccessRefusedError extends Error {
  override readonly name: string = "AccessRefusedError";
}

/** Shortest pause before a retry after a refusal. */
export const PAUSE_AFTER_REFUSAL_MS = 5000;

/** The refusal in an error's chain of causes, if any. */
export function refusalIn(error: unknown): AccessRefusedError | null {
  for (let reason = error; reason instanceof Error; reason = reason.cause) {
    if (reason instanceof AccessRefusedError) return reason;
  }
  return null;
}
