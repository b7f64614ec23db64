/** Whom the parts of a pipeline tell that something does not work, and that it works again. Must not wait. */
export interface Health {
  /**
   * Notes that something fails.
   *
   * @param cause names it, for `works()`
   * @param reason for whoever asks whether the pipeline is ready; without payload and secrets
   */
  fails(cause: string, reason: string, patience?: Patience): void;
  /** Notes that it works, whether it did before or not. */
  works(cause: string): void;
}

/** When a failure matters. */
export interface Patience {
  /** Only once it has lasted so long. */
  readonly afterMs?: number | undefined;
  /** No longer than this after it was last noted, when nobody may come to know of its end. */
  readonly forMs?: number | undefined;
}

interface Failure extends Patience {
  readonly reason: string;
  readonly sinceMs: number;
  readonly notedMs: number;
}

const SHOWN = 10;

/** What keeps a pipeline from being ready. */
export class PipelineHealth implements Health {
  readonly #failures = new Map<string, Failure>();
  readonly #now: () => number;

  /** @param now monotonic, in milliseconds */
  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now;
  }

  fails(cause: string, reason: string, patience: Patience = {}): void {
    const notedMs = this.#now();
    const sinceMs = this.#failures.get(cause)?.sinceMs ?? notedMs;
    this.#failures.set(cause, { ...patience, reason, sinceMs, notedMs });
  }

  works(cause: string): void {
    this.#failures.delete(cause);
  }

  /**
   * Why the pipeline is not ready: none when it is. What matters at once comes first, as many events may fail because of
   * it; then what has lasted longest. Of many, so many.
   */
  reasons(): readonly string[] {
    const nowMs = this.#now();
    const atOnce: string[] = [];
    const lasting: string[] = [];
    for (
      const [cause, { reason, sinceMs, notedMs, afterMs = 0, forMs = Infinity }] of this.#failures
    ) {
      if (nowMs - notedMs > forMs) this.#failures.delete(cause);
      else if (nowMs - sinceMs >= afterMs) (afterMs === 0 ? atOnce : lasting).push(reason);
    }
    const reasons = [...atOnce, ...lasting];
    const more = reasons.length - SHOWN;
    return more > 0 ? [...reasons.slice(0, SHOWN), `and ${more} more`] : reasons;
  }
}
