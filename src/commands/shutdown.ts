/** How long the last commits and leaving the groups may take, after `shutdownTimeout`. */
const LEAVE_MS = 3000;

const STOP_SIGNALS: readonly Deno.Signal[] = ["SIGTERM", "SIGINT"];

/**
 * Calls `stop` at the first SIGTERM or SIGINT. Resolves when the process must exit although work has not ended: with
 * `late` when that takes too long, or with the name of a second signal.
 */
export function untilForced(
  shutdownTimeoutMs: number,
  stop: (signal: Deno.Signal) => void,
): Promise<"late" | Deno.Signal> {
  const { promise, resolve } = Promise.withResolvers<"late" | Deno.Signal>();
  let isStopping = false;
  for (const signal of STOP_SIGNALS) {
    Deno.addSignalListener(signal, () => {
      if (isStopping) return resolve(signal);
      isStopping = true;
      stop(signal);
      setTimeout(() => resolve("late"), shutdownTimeoutMs + LEAVE_MS);
    });
  }
  return promise;
}
