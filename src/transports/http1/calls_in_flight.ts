export class CallInFlight {
  readonly deadlineMs: number;
  readonly lease: AbortSignal;
  readonly slot: number;
  #reason: Error | undefined;
  #giveUp: (reason: Error) => void = () => {};

  constructor(deadlineMs: number, lease: AbortSignal, slot: number) {
    this.deadlineMs = deadlineMs;
    this.lease = lease;
    this.slot = slot;
  }

  /** Why the call was given up; undefined while it runs. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Calls `giveUp` when the call is given up, or at once if it was. Replaces the callback set before. */
  onGivenUp(giveUp: (reason: Error) => void): void {
    this.#giveUp = giveUp;
    if (this.#reason !== undefined) giveUp(this.#reason);
  }

  /** @throws {Error} the reason, if the call was given up */
  throwIfGivenUp(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** @throws {Error} if the lease has ended, even if a response has come */
  throwIfAborted(): void {
    if (this.#reason?.name === "AbortError") throw this.#reason;
  }

  giveUp(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#giveUp(reason);
  }
}

/**
 * Gives up calls at their timeout (`TimeoutError`) or at the end of their lease (`AbortError`). A timer and a listener
 * for each call would double its cost. All calls have the same timeout, so one timer for the oldest call is enough, and
 * one listener for each lease.
 */
export class CallsInFlight implements Disposable {
  readonly #timeoutMs: number;
  // Not a Set: the tables that it leaves behind keep ended calls alive, which cost 10 MB, and 2 µs for each call.
  readonly #slots: (CallInFlight | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #heard = new WeakSet<AbortSignal>();
  readonly #disposed = new AbortController();
  #timer: number | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The caller ends each call once, by `end()`.
   *
   * @param lease aborts when the call must no longer run
   */
  begin(lease: AbortSignal): CallInFlight {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const call = new CallInFlight(performance.now() + this.#timeoutMs, lease, slot);
    this.#slots[slot] = call;
    this.#timer ??= setTimeout(() => this.#giveUpLate(), this.#timeoutMs);
    if (lease.aborted) call.giveUp(aborted());
    else if (!this.#heard.has(lease)) this.#listenTo(lease);
    return call;
  }

  end({ slot }: CallInFlight): void {
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#disposed.abort();
    for (const call of this.#slots) call?.giveUp(aborted());
  }

  #giveUpLate(): void {
    const nowMs = performance.now();
    let nextMs = Infinity;
    for (const call of this.#slots) {
      if (call === undefined) continue;
      if (call.deadlineMs > nowMs) nextMs = Math.min(nextMs, call.deadlineMs);
      else call.giveUp(new DOMException("", "TimeoutError"));
    }
    this.#timer = nextMs === Infinity
      ? undefined
      : setTimeout(() => this.#giveUpLate(), Math.ceil(nextMs - nowMs));
  }

  #listenTo(lease: AbortSignal): void {
    this.#heard.add(lease);
    lease.addEventListener("abort", () => {
      for (const call of this.#slots) {
        if (call?.lease === lease) call.giveUp(aborted());
      }
    }, { once: true, signal: this.#disposed.signal });
  }
}

function aborted(): Error {
  return new DOMException("", "AbortError");
}
