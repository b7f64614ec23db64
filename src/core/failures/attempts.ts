import type { AttemptsMade } from "../event.ts";
import { type RetryOptions, RetryPauses } from "./retry_pauses.ts";

const NONE: AttemptsMade = { made: 0, counted: 0, crashes: 0, firstFailedAtMs: 0 };

/** Failed attempts of one event, and the pauses between them. */
export class Attempts {
  readonly pauses: RetryPauses;
  readonly #crashes: number;
  #made: number;
  #counted: number;
  #firstFailedAtMs: number;

  /**
   * @param what completes "cannot ..."
   * @param past attempts made before a restart
   */
  constructor(what: () => string, options: RetryOptions, past: AttemptsMade = NONE) {
    this.pauses = new RetryPauses(what, options, { madeBefore: past.made });
    this.#made = past.made;
    this.#counted = past.counted;
    this.#crashes = past.crashes;
    this.#firstFailedAtMs = past.firstFailedAtMs;
  }

  /** Attempts so far, including those made before a restart. */
  get soFar(): AttemptsMade {
    return {
      made: this.#made,
      counted: this.#counted,
      crashes: this.#crashes,
      firstFailedAtMs: this.#firstFailedAtMs,
    };
  }

  /** Failed attempts, counted or not. */
  get made(): number {
    return this.#made;
  }

  /** Failed attempts that count towards `maxAttempts`. */
  get counted(): number {
    return this.#counted;
  }

  /** Records a failed attempt. */
  fail(): void {
    // `Date.now()` is monotonic in Workers with a Kafka client, not the time of day.
    if (this.#made++ === 0) this.#firstFailedAtMs = new Date().getTime();
  }

  /** Counts the failed attempt towards `maxAttempts`. */
  count(): void {
    this.#counted++;
  }
}
