import type { Bytes } from "../event.ts";

/** An outage: this many failed calls without a success, for this many keys, over this long. */
const MIN_FAILURES = 20;
const MIN_KEYS = 5;
const MIN_DURATION_MS = 5000;

/** Bytes of a key that are compared: enough to tell most keys apart. */
const KEY_BYTES = 64;

/** Failed calls without a success between them. */
export class FailureStreak {
  readonly #now: () => number;
  readonly #keys = new Set<string>();
  #failures = 0;
  #sinceMs = 0;

  /** @param now monotonic, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get failures(): number {
    return this.#failures;
  }

  /** When the first call of the streak failed, by the clock. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** How long calls have been failing; 0 without a streak. */
  get durationMs(): number {
    return this.#failures === 0 ? 0 : this.#now() - this.#sinceMs;
  }

  /** Whether it lasts long enough to be an outage, whatever the events. */
  get isLong(): boolean {
    return this.durationMs >= MIN_DURATION_MS;
  }

  /** Whether the endpoint seems to be away. `MIN_KEYS` does not apply to events without keys. */
  get isOutage(): boolean {
    const { size } = this.#keys;
    return this.#failures >= MIN_FAILURES && (size === 0 || size >= MIN_KEYS) && this.isLong;
  }

  /** Adds a failed call for an event with this key. */
  add(key: Bytes | null): void {
    if (this.#failures++ === 0) this.#sinceMs = this.#now();
    if (this.#keys.size < MIN_KEYS && key !== null) this.#keys.add(`${key.subarray(0, KEY_BYTES)}`);
  }

  end(): void {
    this.#failures = 0;
    this.#keys.clear();
  }
}
