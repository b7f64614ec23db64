/** A call that runs. */
export interface CallInFlight {
  /** `signal` aborts with a `TimeoutError` at the deadline, or as `given` does. */
  readonly controller: AbortController;
  readonly given: AbortSignal;
  readonly deadlineMs: number;
  readonly slot: number;
}

/**
 * Gives up calls whose time is over or whose right to run has ended. A timer and a listener for each call would cost
 * more than everything else a call needs besides `fetch`. All have the same time, so one timer is enough, which waits
 * for the oldest call that runs; and one listener for each signal.
 */
export class CallsInFlight implements Disposable {
  readonly #timeoutMs: number;
  // A Set would do, but the tables it leaves behind keep calls alive that have ended, which costs 10 MB and 2 us a call.
  readonly #slots: (CallInFlight | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #heard = new WeakSet<AbortSignal>();
  #timer: number | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Whoever begins a call ends it once, by `end()`. */
  begin(given: AbortSignal): CallInFlight {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const call = {
      controller: new AbortController(),
      given,
      deadlineMs: performance.now() + this.#timeoutMs,
      slot,
    };
    this.#slots[slot] = call;
    this.#timer ??= setTimeout(() => this.#giveUpLate(), this.#timeoutMs);
    if (given.aborted) call.controller.abort(given.reason);
    else if (!this.#heard.has(given)) this.#listenTo(given);
    return call;
  }

  end({ slot }: CallInFlight): void {
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
  }

  /** Waits for no deadline any more. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #giveUpLate(): void {
    const nowMs = performance.now();
    let nextMs = Infinity;
    for (const call of this.#slots) {
      if (call === undefined) continue;
      if (call.deadlineMs > nowMs) nextMs = Math.min(nextMs, call.deadlineMs);
      else call.controller.abort(new DOMException("", "TimeoutError"));
    }
    this.#timer = nextMs === Infinity
      ? undefined
      : setTimeout(() => this.#giveUpLate(), Math.ceil(nextMs - nowMs));
  }

  #listenTo(signal: AbortSignal): void {
    this.#heard.add(signal);
    signal.addEventListener("abort", () => {
      for (const call of this.#slots) {
        if (call?.given === signal) call.controller.abort(signal.reason);
      }
    }, { once: true });
  }
}
