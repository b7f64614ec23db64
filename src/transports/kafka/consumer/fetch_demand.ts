/** After a rise within this time, another one is likely: the buffer is being drained. */
const SOON_AFTER_MS = 1000;

/** Signals when partitions of a member want more records. */
export class FetchDemand {
  #rise = new AbortController();
  #lastRiseMs = -Infinity;

  /** Aborts when a partition next wants more. */
  get nextRise(): AbortSignal {
    return this.#rise.signal;
  }

  /** Whether the next rise is likely to be soon. */
  get risesSoon(): boolean {
    return performance.now() - this.#lastRiseMs < SOON_AFTER_MS;
  }

  /** Called when a partition wants more again. */
  noteRise(): void {
    this.#lastRiseMs = performance.now();
    this.#rise.abort();
    this.#rise = new AbortController();
  }
}
