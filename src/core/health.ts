/** Receives failures of a pipeline's parts, and their ends. Must not block. */
export interface Health {
  /**
   * Records a failure.
   *
   * @param cause identifies it for `works()`
   * @param reason shown by `/readyz`; without payload and secrets
   */
  fails(cause: string, reason: string, patience?: Patience): void;
  /** Records that it works, whether it failed before or not. */
  works(cause: string): void;
}

/** When a failure affects readiness. */
export interface Patience {
  /** Only after it has lasted this long. */
  readonly afterMs?: number | undefined;
  /** Until this long after it was last recorded, for failures whose end may go unnoticed. */
  readonly forMs?: number | undefined;
}

interface Failure extends Patience {
  readonly reason: string;
  readonly sinceMs: number;
  readonly notedMs: number;
}

const SHOWN = 10;

/** Failures that keep a pipeline from being ready. */
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
   * Why the pipeline is not ready; empty when it is. Failures that matter at once come first, as they may cause the
   * others; then the oldest. Lists at most `SHOWN`.
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
