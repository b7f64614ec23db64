/**
 * The right to work on events. It can be suspended for a while, and it ends in two steps.
 *
 * While it is not open, no call is started and no call repeated; what runs may finish, and its result may be published.
 * After `ending` it never opens again. After `ended` what still runs is given up: its outcome no longer counts.
 * `ended` is never aborted before `ending`.
 */
export interface Lease {
  readonly ending: AbortSignal;
  readonly ended: AbortSignal;
  /** Whether work may be started. */
  readonly isOpen: boolean;
  /** How many leases share the pipeline at present, this one included. */
  readonly peers: number;
  /** Notes that work on an event begins. */
  begin(): void;
  /** Notes that work on an event has come to an end, or rests until it is tried again. */
  rest(): void;
  /** Has `callback` called whenever the lease opens, or is ending. */
  onChange(callback: () => void): void;
}

/** A lease with what ends it. */
export class LeaseController implements Lease {
  peers = 1;
  readonly #ending = new AbortController();
  readonly #ended = new AbortController();
  readonly #callbacks: (() => void)[] = [];
  #isSuspended = false;
  #working = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get isOpen(): boolean {
    return !this.#isSuspended && !this.#ending.signal.aborted;
  }

  begin(): void {
    this.#working++;
  }

  rest(): void {
    if (--this.#working > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }

  onChange(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** Nothing new is started until the lease is resumed. */
  suspend(): void {
    this.#isSuspended = true;
  }

  /** Work may be started again. */
  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#changed();
  }

  /** Nothing new is started from here on. */
  beginEnd(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#changed();
  }

  /** What still runs is given up. */
  end(): void {
    this.beginEnd();
    this.#ended.abort();
  }

  /** Resolves when no work runs, and whoever waits for its outcome knows it. */
  async idle(): Promise<void> {
    if (this.#working > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
    // An outcome is passed on by promises, all of which come to an end in this turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
  }

  #changed(): void {
    for (const callback of this.#callbacks) callback();
  }
}
