/** Bounds how often log lines on the same subject come, as when many events have the same problem. */
export class LogThrottle {
  readonly #counts = new Map<string, { readonly sinceMs: number; lines: number }>();
  readonly #maxLines: number;
  readonly #intervalMs: number;
  readonly #now: () => number;
  #sweptAtMs = -Infinity;

  /**
   * @param maxLines lines on a subject in an interval
   * @param now monotonic, in milliseconds
   */
  constructor(
    { maxLines = 1, intervalMs = 10_000, now = () => performance.now() }: {
      maxLines?: number;
      intervalMs?: number;
      now?: () => number;
    } = {},
  ) {
    this.#maxLines = maxLines;
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Whether to log a line on a subject; `last` for the last one of an interval. */
  allows(subject: string): "yes" | "last" | "no" {
    const nowMs = this.#now();
    let count = this.#counts.get(subject);
    if (count === undefined || nowMs - count.sinceMs >= this.#intervalMs) {
      if (nowMs - this.#sweptAtMs >= this.#intervalMs) this.#sweep(nowMs);
      count = { sinceMs: nowMs, lines: 0 };
      this.#counts.set(subject, count);
    }
    count.lines++;
    return count.lines < this.#maxLines ? "yes" : count.lines === this.#maxLines ? "last" : "no";
  }

  /** Starts a new interval for a subject, or for all. */
  reset(subject?: string): void {
    if (subject === undefined) this.#counts.clear();
    else this.#counts.delete(subject);
  }

  #sweep(nowMs: number): void {
    this.#sweptAtMs = nowMs;
    for (const [subject, { sinceMs }] of this.#counts) {
      if (nowMs - sinceMs >= this.#intervalMs) this.#counts.delete(subject);
    }
  }
}
