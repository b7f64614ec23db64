/** A gap this short shows no outage, even if several events went unanswered in it. */
const SHORT_GAP_MS = 250;

/** The time between two responses, to whatever events, with the unanswered calls in it. */
export class ResponseGap {
  readonly #sinceMs: number;
  #event: object | undefined;
  #isShared = false;
  #lastedMs: number | undefined;

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  /** Whether its unanswered calls were due to their events. Known once the gap has ended; false until then. */
  get isDueToEvents(): boolean {
    if (this.#lastedMs === undefined) return false;
    return !this.#isShared || this.#lastedMs < SHORT_GAP_MS;
  }

  add(event: object): void {
    this.#event ??= event;
    this.#isShared ||= event !== this.#event;
  }

  end(nowMs: number): void {
    this.#lastedMs = nowMs - this.#sinceMs;
  }
}

/**
 * Tells unanswered calls that were due to their event from those in an outage, even in one that is too short to be
 * recognized. A call was due to its event if no other event went unanswered between the last response before and the
 * first one after, or if those came shortly after each other.
 */
export class UnansweredCalls {
  readonly #now: () => number;
  #lastResponseMs = -Infinity;
  #gap: ResponseGap | undefined;

  /** @param now monotonic, in milliseconds */
  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now;
  }

  /** Records a response of any kind. */
  recordResponse(): void {
    const nowMs = this.#now();
    this.#gap?.end(nowMs);
    this.#gap = undefined;
    this.#lastResponseMs = nowMs;
  }

  /** Records an unanswered call. @param event identifies the event */
  record(event: object): ResponseGap {
    this.#gap ??= new ResponseGap(this.#lastResponseMs);
    this.#gap.add(event);
    return this.#gap;
  }
}
