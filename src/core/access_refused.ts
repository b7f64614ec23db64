/**
 * The other side does not let us in, or we must not trust it: what is configured is wrong, or something there is. To
 * ask again at once is in vain, and can lock an account. The message names the cause without the secret.
 */
export class AccessRefusedError extends Error {
  override readonly name: string = "AccessRefusedError";
}

/** How long to wait at least before asking again whoever has refused. */
export const PAUSE_AFTER_REFUSAL_MS = 5000;

/** The refusal among the reasons of an error, when there is one. */
export function refusalIn(error: unknown): AccessRefusedError | null {
  for (let reason = error; reason instanceof Error; reason = reason.cause) {
    if (reason instanceof AccessRefusedError) return reason;
  }
  return null;
}
