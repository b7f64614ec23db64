/** Pauses between attempts, in milliseconds. */
export interface Backoff {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
  /** `full`: each delay is random, up to its limit; `none`: it is the limit. */
  readonly jitter?: "full" | "none";
}

/** For everything that is retried until it works: blocked events, publishing, connections, Workers. */
export const DEFAULT_BACKOFF: Backoff = {
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  multiplier: 2,
};

/**
 * Yields delays in milliseconds without end: exponential, capped, and by default with full jitter, so that clients that
 * failed together do not return together.
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
 * Resolves after `delayMs`, or when a signal aborts; the signals tell which. Removes its listeners, unlike
 * `AbortSignal.any()`, whose remain for the lifetime of the signals.
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

/** Settles as `promise` does, or rejects with the reason of `signal` when it aborts first. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Resolves like `promise`, or with nothing after `deadlineMs`; rejects only as `promise` does. */
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
