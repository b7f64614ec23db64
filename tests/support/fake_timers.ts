/** Timers that fire when the test says so, in place of the runtime's until the end of the scope. */
export class FakeTimers implements Disposable {
  readonly #pending = new Map<number, () => void>();
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  #lastId = 0;

  constructor() {
    globalThis.setTimeout = ((callback: () => void) => {
      this.#pending.set(++this.#lastId, callback);
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

  /** Fires the one of this number among those that wait. */
  fire(index: number): void {
    const [id, callback] = [...this.#pending][index] ?? [];
    if (id === undefined || callback === undefined) throw new Error(`No timer ${index} waits`);
    this.#pending.delete(id);
    callback();
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
  }
}
