import { setImmediate } from "node:timers";

const POLL_INTERVAL_MS = 2;

/** Resolves once `condition` holds; rejects at the deadline, saying `what` did not come about. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  { deadlineMs = 5000, what }: { deadlineMs?: number; what: string | (() => string) },
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const missing = typeof what === "string" ? what : what();
      throw new Error(`Not within ${deadlineMs} ms: ${missing}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/**
 * Resolves once every promise has settled that can without anything from outside. What has not happened by then never
 * will by itself, which is how a test can say that something does not happen.
 */
export function everythingSettled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The same, but without waiting for timers: some hundred times as fast, for tests of many steps. */
export function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves with what `promise` does and how long that took; rejects at the deadline, saying `what` did not come about. */
export async function inTime<T>(
  promise: Promise<T>,
  { deadlineMs, what }: { deadlineMs: number; what: string },
): Promise<{ value: T; elapsedMs: number }> {
  const startedAt = performance.now();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`Not within ${deadlineMs} ms: ${what}`)),
    deadlineMs,
  );
  try {
    const value = await Promise.race([promise, late.promise]);
    return { value, elapsedMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
  }
}
