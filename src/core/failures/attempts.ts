import type { AttemptsMade } from "../event.ts";
import { type RetryOptions, RetryPauses } from "../retry_pauses.ts";

const NONE: AttemptsMade = { made: 0, counted: 0, crashes: 0, firstFailedAtMs: 0 };

/** Failed attempts of one event, and the pauses between them. */
export class Attempts {
  readonly pauses: RetryPauses;
  #soFar: AttemptsMade;

  /**
   * @param what completes "cannot ..."
   * @param past attempts made before a restart
   */
  constructor(what: () => string, options: RetryOptions, past: AttemptsMade = NONE) {
    this.pauses = new RetryPauses(what, options, { madeBefore: past.made });
    this.#soFar = past;
  }

  /** Attempts so far, including those made before a restart. */
  get soFar(): AttemptsMade {
    return this.#soFar;
  }

  /** Records a failed attempt. */
  fail(): void {
    const { made, firstFailedAtMs } = this.#soFar;
    this.#soFar = {
      ...this.#soFar,
      made: made + 1,
      // A client library's patches may make `Date.now()` monotonic: not the time of day.
      firstFailedAtMs: made === 0 ? new Date().getTime() : firstFailedAtMs,
    };
  }

  /** Counts the failed attempt towards `maxAttempts`. */
  count(): void {
    this.#soFar = { ...this.#soFar, counted: this.#soFar.counted + 1 };
  }
}
