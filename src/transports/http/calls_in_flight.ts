/** A call that runs. */
export interface CallInFlight {
  /** `signal` aborts with a `TimeoutError` at the deadline, or as `given` does. */
  readonly controller: AbortController;
  readonly given: AbortSignal;
  readonly deadlineMs: number;
}

/**
 * Gives up calls whose time is over or whose right to run has ended. A timer and a listener for each call would cost
 * more than everything else a call needs besides `fetch`. All have the same time, so one timer is enough, which waits
 * for the oldest call that runs; and one listener for each signal.
 */
export class CallsInFlight implements Disposable {
  readonly #timeoutMs: number;
  /** The oldest first. */
  readonly #calls = new Set<CallInFlight>();
  readonly #heard = new WeakSet<AbortSignal>();
  #timer: number | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Whoever begins a call ends it, by `end()`. */
  begin(given: AbortSignal): CallInFlight {
    const call = {
      controller: new AbortController(),
      given,
      deadlineMs: performance.now() + this.#timeoutMs,
    };
    this.#calls.add(call);
    this.#timer ??= setTimeout(() => this.#giveUpLate(), this.#timeoutMs);
    if (given.aborted) call.controller.abort(given.reason);
    else if (!this.#heard.has(given)) this.#listenTo(given);
    return call;
  }

  end(call: CallInFlight): void {
    this.#calls.delete(call);
  }

  /** Waits for no deadline any more. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #giveUpLate(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const { controller, deadlineMs } of this.#calls) {
      if (deadlineMs > nowMs) {
        this.#timer = setTimeout(() => this.#giveUpLate(), Math.ceil(deadlineMs - nowMs));
        return;
      }
      controller.abort(new DOMException("", "TimeoutError"));
    }
  }

  #listenTo(signal: AbortSignal): void {
    this.#heard.add(signal);
    signal.addEventListener("abort", () => {
      for (const { controller, given } of this.#calls) {
        if (given === signal) controller.abort(signal.reason);
      }
    }, { once: true });
  }
}
