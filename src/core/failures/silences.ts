/** For so long the other side may bring nothing to several events, and still bring it to each by itself. */
const LULL_MS = 250;

/** The time from one response to the next, with what brought none in it. */
export interface Lull {
  /** Whether others had a response, soon before and soon after: it was not the other side that was away. */
  readonly isOwnFault: boolean;
}

/**
 * Tells a call that brought no response because of its event from one that was made while the other side was away. What
 * is known at that moment cannot: when it breaks down, others were answered just before. So the next response, whoever
 * gets it, has to come; and if several events' calls brought nothing until then, it has to come soon.
 */
export class Silences {
  readonly #now: () => number;
  #lastResponseMs = -Infinity;
  #lull: OpenLull | undefined;

  /** @param now monotonic, in milliseconds */
  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now;
  }

  /** Notes a response, of whatever kind. */
  noteResponse(): void {
    const nowMs = this.#now();
    this.#lull?.end(nowMs);
    this.#lull = undefined;
    this.#lastResponseMs = nowMs;
  }

  /** Notes that a call brought nothing. @param event stands for the event */
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
