/**
 * The right to work on events, which ends in two steps.
 *
 * After `ending` no call is started, no attempt repeated and no queued event taken up; what runs may finish. After
 * `ended` what still runs is given up: its outcome no longer counts. `ended` is never aborted before `ending`.
 */
export interface Lease {
  readonly ending: AbortSignal;
  readonly ended: AbortSignal;
}

/** A lease with the two signals that end it. */
export class LeaseController implements Lease {
  readonly #ending = new AbortController();
  readonly #ended = new AbortController();

  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Nothing new is started from here on. */
  beginEnd(): void {
    this.#ending.abort();
  }

  /** What still runs is given up. */
  end(): void {
    this.#ending.abort();
    this.#ended.abort();
  }
}
