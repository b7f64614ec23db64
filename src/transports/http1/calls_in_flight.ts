/** A call that runs. */
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

  /** Why the call is given up, if it is. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Has `giveUp` called when the call is given up, in place of what was to be called before. */
  onGivenUp(giveUp: (reason: Error) => void): void {
    this.#giveUp = giveUp;
    if (this.#reason !== undefined) giveUp(this.#reason);
  }

  /** @throws {Error} why the call was given up, if it was */
  throwIfGivenUp(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** @throws {Error} if the call has no right to run any more, whatever has come of it */
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
 * Gives up calls whose time is over or whose right to run has ended: the one with a `TimeoutError`, the other with an
 * `AbortError`. A signal with a timer and a listener for each call would cost as much as all else that a call needs. All
 * have the same time, so one timer is enough, which waits for the oldest call that runs; and one listener for each lease.
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

  /**
   * Whoever begins a call ends it once, by `end()`.
   *
   * @param lease aborts when the call has no right to run any more
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

  /** Gives up what still runs. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
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
    }, { once: true });
  }
}

function aborted(): Error {
  return new DOMException("", "AbortError");
}
