/** How long to wait between attempts. Times are milliseconds. */
export interface Backoff {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
  /** `full`: each delay is anything up to its value; `none`: it is its value. */
  readonly jitter?: "full" | "none";
}

/** For whatever is tried until it works: blocked events, publishing, brokers, Workers. */
export const DEFAULT_BACKOFF: Backoff = {
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  multiplier: 2,
};

/**
 * Yields delays in milliseconds without end: exponential, capped, and with full jitter unless it is said otherwise, so
 * that many who failed together do not come back together.
 */
export function* backoffDelays(
  { initialDelayMs, maxDelayMs, multiplier, jitter = "full" }: Backoff = DEFAULT_BACKOFF,
  random: () => number = Math.random,
): Generator<number, never> {
  for (let ceilingMs = initialDelayMs;; ceilingMs *= multiplier) {
    ceilingMs = Math.min(ceilingMs, maxDelayMs);
    yield jitter === "full" ? Math.ceil(random() * ceilingMs) : ceilingMs;
  }
}

/**
 * Resolves after `delayMs`, or at once when one of the signals aborts; which of the two, they tell. Leaves nothing behind
 * at them, as `AbortSignal.any()` would for as long as they live.
 */
export function sleep(delayMs: number, ...signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, delayMs);
    for (const signal of signals) signal.addEventListener("abort", finish);
  });
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

/** Resolves as `promise` does, or after `deadlineMs` without it; rejects only as `promise` does. */
export async function atMost<T>(promise: Promise<T>, deadlineMs: number): Promise<T | void> {
  const done = new AbortController();
  try {
    return await Promise.race([promise, sleep(deadlineMs, done.signal)]);
  } finally {
    done.abort();
  }
}

/** `1.5 s`, for log lines. */
export function formatDelay(delayMs: number): string {
  return `${(delayMs / 1000).toFixed(1)} s`;
}
