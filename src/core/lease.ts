/**
 * The right to work on the events that were delivered under it: an assignment, a channel, a subscription.
 *
 * It ends in two steps. After `ending`, a delivery decides whether work on its event may still begin; work in progress
 * may finish, and its result may be published. After `ended`, which is never before `ending`, work in progress is
 * aborted and its outcome is ignored.
 */
export interface Lease {
  readonly ending: AbortSignal;
  readonly ended: AbortSignal;
  /** Leases that share the pipeline at present, including this one. */
  readonly leaseCount: number;
  /** Calls `callback` whenever the set of deliveries that may begin may have changed. */
  onChange(callback: () => void): void;
}

/** A lease, with the methods that end it. */
export class LeaseController implements Lease {
  leaseCount = 1;
  readonly #ending = new AbortController();
  readonly #ended = new AbortController();
  readonly #callbacks: (() => void)[] = [];

  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  onChange(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  beginEnd(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.changed();
  }

  /** Aborts work in progress. */
  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ending.abort();
    this.#ended.abort();
    this.changed();
  }

  protected changed(): void {
    for (const callback of this.#callbacks) callback();
  }
}
