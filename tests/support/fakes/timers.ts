/** Timers that fire when the test says so, in place of the runtime's until the end of the scope. */
export class FakeTimers implements Disposable {
  readonly #pending = new Map<
    number,
    { readonly callback: () => void; readonly delayMs: number }
  >();
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  #lastId = 0;

  constructor() {
    globalThis.setTimeout = ((callback: () => void, delayMs = 0) => {
      this.#pending.set(++this.#lastId, { callback, delayMs });
      return this.#lastId;
    }) as typeof setTimeout;
    globalThis.clearTimeout = (id) => {
      this.#pending.delete(Number(id));
    };
  }

  /** How many wait. */
  get count(): number {
    return this.#pending.size;
  }

  /** How long those that wait were to wait when they were set, in milliseconds. */
  get delaysMs(): number[] {
    return this.#pending.values().map(({ delayMs }) => delayMs).toArray();
  }

  /** Fires the one of this number among those that wait. */
  fire(index: number): void {
    const [id, timer] = [...this.#pending][index] ?? [];
    if (id === undefined || timer === undefined) throw new Error(`No timer ${index} waits`);
    this.#pending.delete(id);
    timer.callback();
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
  }
}
