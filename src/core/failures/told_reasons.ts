const DEFAULT_TIMES = 3;
const WITHIN_MS = 10_000;

/** Log throttle: a reason that many events share, as when a broker is away, is logged a few times in 10 s. */
export class ToldReasons {
  readonly #told = new Map<string, { readonly sinceMs: number; times: number }>();
  readonly #times: number;
  readonly #now: () => number;

  /**
   * @param times log lines for a reason in 10 s
   * @param now monotonic, in milliseconds
   */
  constructor(
    { times = DEFAULT_TIMES, now = () => performance.now() }: {
      times?: number;
      now?: () => number;
    } = {},
  ) {
    this.#times = times;
    this.#now = now;
  }

  /** Whether to log a reason once more, and whether that is the last time for a while. */
  tell(reason: string): "yes" | "last" | "no" {
    const nowMs = this.#now();
    let told = this.#told.get(reason);
    if (told === undefined || nowMs - told.sinceMs >= WITHIN_MS) {
      for (const [other, { sinceMs }] of this.#told) {
        if (nowMs - sinceMs >= WITHIN_MS) this.#told.delete(other);
      }
      told = { sinceMs: nowMs, times: 0 };
      this.#told.set(reason, told);
    }
    told.times++;
    return told.times < this.#times ? "yes" : told.times === this.#times ? "last" : "no";
  }
}
