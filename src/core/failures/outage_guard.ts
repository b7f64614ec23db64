import type { AttemptsParts } from "./attempts.ts";
import { type Backoff, backoffDelays, DEFAULT_BACKOFF, formatDelay } from "../backoff.ts";
import type { Bytes } from "../event.ts";
import type { Health } from "../health.ts";
import type { Lease } from "../lease.ts";
import { EventNotSettledError } from "../listener.ts";
import type { Logger } from "../log.ts";

/** An outage: this many outcomes in a row without a success, for this many keys, over this long. */
const MIN_FAILURES = 20;
const MIN_KEYS = 5;
const MIN_DURATION_MS = 5000;

/** A pause between probes is at most this part of the outage so far, so that a short outage ends soon. */
const LONGEST_PART = 1 / 8;

/** Bytes of a key that are compared: enough to tell most keys apart. */
const KEY_BYTES = 64;

/** The cause reported to `Health`. */
const OUTAGE = "outage";

/** A call that waits for the end of an outage. */
interface Waiting {
  readonly lease: Lease;
  readonly offset: number;
  readonly resolve: (probe: Probe | null) => void;
  readonly reject: (error: Error) => void;
}

/** What a failure shows about the endpoint. */
export interface FailureSigns {
  /** Whether the endpoint responded, if only with an error. */
  readonly isResponse?: boolean;
  /** How long the endpoint asks for no calls. During an outage, this holds for every call. */
  readonly retryAfterMs?: number | undefined;
}

/** A call that is made during an outage. */
export interface Probe {
  readonly lease: Lease;
  readonly offset: number;
}

/**
 * Circuit breaker around the endpoint. It opens on an outage and holds calls back: a failure that every event would
 * have had must neither use up an event's attempts nor make it a dead letter.
 *
 * While it is open, it lets one call at a time through as a probe, after growing pauses. The first answer that no
 * outage brings closes it. An error response after unanswered calls shows that the endpoint is back: pauses start again
 * from the shortest.
 */
export class OutageGuard {
  readonly #log: Logger;
  readonly #backoff: Backoff;
  readonly #health: Health | undefined;
  readonly #now: () => number;
  /** In order of arrival. Each probe is for another event: the last one may have failed by itself. */
  readonly #waiting: Waiting[] = [];
  readonly #heard = new WeakSet<Lease>();
  #failures = 0;
  #keys = new Set<string>();
  #firstFailureMs = 0;
  #quietUntilMs = 0;
  #openSinceMs: number | undefined;
  #delays: Generator<number, never> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #probe: Probe | null = null;
  #outages = 0;
  #opening = new AbortController();
  #wasResponse = false;

  /** @param now monotonic, in milliseconds */
  constructor(
    { log, backoff, health }: AttemptsParts,
    { now = () => performance.now() }: { now?: () => number } = {},
  ) {
    this.#log = log;
    this.#backoff = backoff ?? DEFAULT_BACKOFF;
    this.#health = health;
    this.#now = now;
  }

  /** Whether there is an outage: calls are held back. */
  get isOpen(): boolean {
    return this.#openSinceMs !== undefined;
  }

  /** Number of outages begun so far. */
  get outages(): number {
    return this.#outages;
  }

  /**
   * Upper limit of a pause in milliseconds while every call fails as in an outage, whether the breaker has opened or
   * not. Infinite for the first `MIN_DURATION_MS`.
   */
  get longestPauseMs(): number {
    const failingMs = this.#failures === 0 ? 0 : this.#now() - this.#firstFailureMs;
    return failingMs < MIN_DURATION_MS ? Infinity : failingMs * LONGEST_PART;
  }

  /** Aborts when the next outage begins. It ends pauses before calls: the breaker then decides when to call. */
  get opening(): AbortSignal {
    return this.#opening.signal;
  }

  /**
   * Resolves when a call for the event at `offset` may be made: with null, or during an outage with a probe. The caller
   * records the outcome of a probe and then calls `endProbe()`.
   *
   * @throws {EventNotSettledError} when the lease is ending first
   */
  turn(lease: Lease, offset: number): Promise<Probe | null> {
    if (!this.isOpen) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lease, offset, resolve, reject });
      if (!this.#heard.has(lease)) this.#listenTo(lease);
      this.#leaseChanged();
    });
  }

  /** Whether a call that had its turn may still be made. */
  admits(probe: Probe | null): boolean {
    return !this.isOpen || probe !== null && probe === this.#probe;
  }

  endProbe(probe: Probe): void {
    if (this.#probe !== probe) return;
    this.#probe = null;
    this.#scheduleProbe();
  }

  /** Records an outcome that no outage brings. */
  noteAnswer({ isSuccess }: { isSuccess: boolean }): void {
    if (isSuccess) this.#failures = 0;
    if (this.#openSinceMs === undefined) return;
    const openMs = this.#now() - this.#openSinceMs;
    this.#log.warn(`the endpoint answers again, after ${formatDelay(openMs)}`);
    this.#health?.works(OUTAGE);
    this.#openSinceMs = undefined;
    this.#opening = new AbortController();
    this.#failures = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#probe = null;
    for (const { resolve } of this.#waiting.splice(0)) resolve(null);
  }

  /** Records an outcome that an outage may bring, for an event with this key. */
  noteFailure(key: Bytes | null, { isResponse = false, retryAfterMs }: FailureSigns = {}): void {
    const isBack = isResponse && !this.#wasResponse;
    this.#wasResponse = isResponse;
    const isFirst = this.#openSinceMs === undefined && this.#failures++ === 0;
    if (isFirst) {
      this.#firstFailureMs = this.#now();
      this.#keys = new Set();
    }
    if (isFirst || retryAfterMs !== undefined) {
      this.#quietUntilMs = this.#now() + (retryAfterMs ?? 0);
    }
    if (this.#openSinceMs !== undefined) {
      if (isBack) this.#restartPauses();
      return;
    }
    if (this.#keys.size < MIN_KEYS && key !== null) this.#keys.add(`${key.subarray(0, KEY_BYTES)}`);
    // `MIN_KEYS` does not apply to events without keys.
    const areEnough = this.#keys.size === 0 || this.#keys.size >= MIN_KEYS;
    const durationMs = this.#now() - this.#firstFailureMs;
    if (this.#failures < MIN_FAILURES || !areEnough || durationMs < MIN_DURATION_MS) return;
    this.#outages++;
    this.#openSinceMs = this.#firstFailureMs;
    this.#delays = backoffDelays(this.#backoff);
    this.#health?.fails(OUTAGE, "the endpoint is away");
    this.#log.error(
      `the endpoint seems to be away: no success in ${this.#failures} calls for ` +
        `${formatDelay(durationMs)}; waiting for it, and trying one event at a time`,
    );
    // Without a reason, `abort()` would create an exception with its stack.
    this.#opening.abort("outage");
  }

  #restartPauses(): void {
    this.#delays = backoffDelays(this.#backoff);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#scheduleProbe();
  }

  #scheduleProbe(): void {
    if (!this.isOpen || this.#probe !== null || this.#nextIndex() < 0) return;
    if (this.#timer !== undefined) return;
    const pauseMs = Math.max(this.#nextPauseMs(), this.#quietUntilMs - this.#now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const [next] = this.#waiting.splice(this.#nextIndex(), 1);
      if (next === undefined) return;
      this.#probe = { lease: next.lease, offset: next.offset };
      next.resolve(this.#probe);
    }, pauseMs);
  }

  #nextPauseMs(): number {
    const longestMs = Math.max(this.#backoff.initialDelayMs, this.longestPauseMs);
    return Math.min(this.#delays?.next().value ?? 0, longestMs);
  }

  /** Skips suspended leases, which would hold up the probe. */
  #nextIndex(): number {
    return this.#waiting.findIndex(({ lease, offset }) => lease.admits(offset));
  }

  #listenTo(lease: Lease): void {
    this.#heard.add(lease);
    lease.onChange(() => this.#leaseChanged());
  }

  #leaseChanged(): void {
    this.#turnAway();
    // The lease is suspended, so its probe may wait for a slot: another call becomes the probe, this one queues again.
    if (this.#probe !== null && !this.#probe.lease.admits(this.#probe.offset)) this.#probe = null;
    if (this.#nextIndex() >= 0) return this.#scheduleProbe();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #turnAway(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const { lease, reject } = this.#waiting[index]!;
      if (!lease.ending.aborted) continue;
      this.#waiting.splice(index, 1);
      reject(new EventNotSettledError("The lease ended during an outage"));
    }
  }
}
