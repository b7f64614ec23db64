/** So many times in such a time a reason is told in full. */
const TOLD = 3;
const WITHIN_MS = 10_000;

/** Reasons that many events share, as when a broker is away: each is told a few times, and then for a while no more. */
export class ToldReasons {
  readonly #told = new Map<string, { readonly sinceMs: number; times: number }>();
  readonly #now: () => number;

  /** @param now monotonic, in milliseconds */
  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now;
  }

  /** Whether a reason should be told once more, and whether that is the last time for a while. */
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
    return told.times < TOLD ? "yes" : told.times === TOLD ? "last" : "no";
  }
}
