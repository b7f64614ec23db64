/** For less than this without a response, the endpoint counts as present, even if several events went unanswered. */
const LULL_MS = 250;

/** The time between two responses, with the unanswered calls in it. */
export interface Lull {
  /** Whether the event was the cause; false until the next response. */
  readonly isOwnFault: boolean;
}

/**
 * Decides whether an unanswered call was due to its event or to an outage, once the next response to any event comes.
 * The event was the cause if no other event went unanswered between that response and the one before, or if the two are
 * less than `LULL_MS` apart.
 */
export class Silences {
  readonly #now: () => number;
  #lastResponseMs = -Infinity;
  #lull: OpenLull | undefined;

  /** @param now monotonic, in milliseconds */
  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now;
  }

  /** Records a response of any kind. */
  noteResponse(): void {
    const nowMs = this.#now();
    this.#lull?.end(nowMs);
    this.#lull = undefined;
    this.#lastResponseMs = nowMs;
  }

  /** Records an unanswered call. @param event identifies the event */
  noteSilence(event: object): Lull {
    this.#lull ??= new OpenLull(this.#lastResponseMs);
    this.#lull.add(event);
    return this.#lull;
  }
}

class OpenLull implements Lull {
  readonly #sinceMs: number;
  #event: object | undefined;
  #isShared = false;
  #lastedMs: number | undefined;

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  add(event: object): void {
    this.#event ??= event;
    this.#isShared ||= event !== this.#event;
  }

  end(nowMs: number): void {
    this.#lastedMs = nowMs - this.#sinceMs;
  }

  get isOwnFault(): boolean {
    if (this.#lastedMs === undefined) return false;
    return !this.#isShared || this.#lastedMs < LULL_MS;
  }
}
