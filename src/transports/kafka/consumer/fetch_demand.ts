/** Whatever came to be wanted so short a time ago is likely to be again: it is being worked off. */
const SOON_AFTER_MS = 1000;

/** When more of a member's partitions comes to be wanted. */
export class FetchDemand {
  #rise = new AbortController();
  #lastRiseMs = -Infinity;

  /** Aborts when more of a partition comes to be wanted. */
  get nextRise(): AbortSignal {
    return this.#rise.signal;
  }

  /** Whether that is likely to be soon. */
  get risesSoon(): boolean {
    return performance.now() - this.#lastRiseMs < SOON_AFTER_MS;
  }

  /** Notes that more of a partition has come to be wanted. */
  noteRise(): void {
    this.#lastRiseMs = performance.now();
    this.#rise.abort();
    this.#rise = new AbortController();
  }
}
