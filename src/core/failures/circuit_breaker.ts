import { type Backoff, backoffDelays, DEFAULT_BACKOFF, formatDelay } from "../backoff.ts";
import type { Delivery } from "../delivery.ts";
import type { Bytes } from "../event.ts";
import { FailureStreak } from "./failure_streak.ts";
import { HandlerError, type Result } from "../handler.ts";
import type { Health } from "../health.ts";
import type { Lease } from "../lease.ts";
import type { Logger } from "../log.ts";
import { WaitingDeliveries } from "../waiting_deliveries.ts";

/** Pause between probes while the endpoint refuses this client. */
const REFUSED_PAUSE_MS = 5000;

/** A refusal may concern its event only: this many in a row without an accepted call open the breaker. */
const REFUSALS_IN_A_ROW = 5;

/** A pause between probes is at most this part of the outage so far, so that a short outage ends soon. */
const LONGEST_PART = 1 / 8;

/** The cause reported to `Health`. */
const ENDPOINT = "endpoint";

/** Dependencies and options of a breaker. */
export interface CircuitBreakerOptions {
  readonly log: Logger;
  /** Pauses between probes in an outage; replaces `DEFAULT_BACKOFF`. */
  readonly backoff?: Backoff | undefined;
  readonly health?: Health | undefined;
  /** Whether a first call has to show that the endpoint accepts this client before the others go. */
  readonly startsHalfOpen?: boolean | undefined;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/** The right to make one call as a probe or, while the breaker is closed, any number of calls. */
export interface Permit {
  readonly probe?: Delivery;
}

/**
 * Circuit breaker around the endpoint. It holds calls back that would all fail.
 *
 * - Closed: all calls go.
 * - Open: calls wait. The breaker opens at once when the endpoint refuses this client, as for wrong credentials or
 *   certificates: repeated attempts often lock a client out. It also opens in an outage, see `FailureStreak`: a failure
 *   that every event would have had must neither use up an event's attempts nor make it a dead letter.
 * - Half-open: one call goes as a probe, each time for another event. After a refusal, a probe goes every 5 s, even
 *   while the last one still runs. In an outage, one goes at a time, after growing pauses.
 *
 * A call that was accepted ends a refusal, and a response that suggests no outage ends an outage. The breaker closes
 * when neither is left. If it started half-open, a call with a valid permit that shows nothing about access closes it,
 * too. A call whose permit is no longer valid may have used other credentials: it shows nothing about access, and
 * closes the breaker only by ending an outage.
 */
export class CircuitBreaker {
  readonly #log: Logger;
  readonly #backoff: Backoff;
  readonly #health: Health | undefined;
  readonly #now: () => number;
  readonly #streak: FailureStreak;
  readonly #probes = new Set<Permit>();
  readonly #waiting = new WaitingDeliveries<Permit>();
  readonly #leases = new WeakSet<Lease>();
  #permitWhileClosed: Permit | null;
  /** Why the endpoint refuses this client, if it does. */
  #refusal: string | null = null;
  #refusalsInRow = 0;
  #isOutage = false;
  #openSinceMs: number | null = null;
  #pauses: Generator<number, never>;
  #nextProbeAtMs = -Infinity;
  /** Until then, the endpoint has asked for no calls. */
  #quietUntilMs = -Infinity;
  #wasResponse = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #outageBegins = new AbortController();

  constructor(options: CircuitBreakerOptions) {
    const { log, backoff, health, startsHalfOpen = false, now = () => performance.now() } = options;
    this.#log = log;
    this.#backoff = backoff ?? DEFAULT_BACKOFF;
    this.#health = health;
    this.#now = now;
    this.#streak = new FailureStreak(now);
    this.#pauses = backoffDelays(this.#backoff);
    this.#permitWhileClosed = startsHalfOpen ? null : {};
  }

  /** Whether there is an outage: no call counts as an attempt. */
  get isOutage(): boolean {
    return this.#isOutage;
  }

  /** Aborts when the next outage begins. It ends pauses before calls: the breaker then decides when to call. */
  get outageBegins(): AbortSignal {
    return this.#outageBegins.signal;
  }

  /** The longest pause before a call or probe, in ms: an eighth of a long streak of failures, else without limit. */
  get longestPauseMs(): number {
    return this.#streak.isLong ? this.#streak.durationMs * LONGEST_PART : Infinity;
  }

  /** The permit while the breaker is closed; null when the call has to `enter()`. */
  get permit(): Permit | null {
    return this.#permitWhileClosed;
  }

  /**
   * Waits until a call for an event may be made. The caller records its outcome and then calls `leave()`.
   *
   * @throws {EventNotSettledError} when the lease is ending first
   */
  enter(delivery: Delivery): Promise<Permit> {
    const { lease } = delivery;
    if (!this.#leases.has(lease)) lease.onChange(() => this.#leaseChanged());
    this.#leases.add(lease);
    const permit = this.#waiting.add(delivery);
    if (lease.ending.aborted) this.#turnAway();
    if (this.#timer === undefined) this.#letThrough();
    return permit;
  }

  /** Whether a permit is still valid: the breaker may have opened since. */
  admits(permit: Permit): boolean {
    return permit === this.#permitWhileClosed || this.#probes.has(permit);
  }

  /** The call of a permit has ended, or is not made. */
  leave(permit: Permit): void {
    if (this.#probes.delete(permit)) this.#scheduleProbe();
  }

  /** Records what a call for an event with this key shows about the endpoint. */
  record(outcome: Result | HandlerError, key: Bytes | null, permit: Permit): void {
    const [wasRefused, wasOutage] = [this.#refusal !== null, this.#isOutage];
    const isValid = this.admits(permit);
    if (isValid) this.#recordAccess(outcome, permit);
    if (outcome instanceof HandlerError) {
      if (!outcome.isLocal) this.#recordFailure(key, { isResponse: false });
    } else if (outcome.when === "onSuccess") this.#recordAnswer({ isSuccess: true });
    else if (!outcome.error.suggestsOutage) this.#recordAnswer({ isSuccess: false });
    else this.#recordFailure(key, { ...outcome.error, isResponse: true });
    if (this.#permitWhileClosed !== null) return;
    if (this.#refusal !== null || this.#isOutage) {
      this.#health?.fails(ENDPOINT, this.#refusal ?? "the endpoint is away");
    } else if (isValid || wasOutage) this.#close({ wasRefused });
  }

  /** Credentials have changed: a probe may go at once, and earlier calls show nothing about access. */
  renew(): void {
    this.#permitWhileClosed = null;
    this.#probes.clear();
    this.#nextProbeAtMs = -Infinity;
    this.#letThrough();
  }

  #recordAccess(outcome: Result | HandlerError, permit: Permit): void {
    if (outcome instanceof HandlerError) {
      if (outcome.isRefusal) this.#refuse(outcome.message);
      return;
    }
    const error = outcome.when === "onError" ? outcome.error : undefined;
    if (error?.refusal !== undefined) {
      const { reason, mayConcernEventOnly = false } = error.refusal;
      const isDoubtful = mayConcernEventOnly && permit === this.#permitWhileClosed;
      if (!isDoubtful || ++this.#refusalsInRow === REFUSALS_IN_A_ROW) this.#refuse(reason);
    } else if (error?.isBeforeAccessCheck !== true) {
      this.#refusal = null;
      this.#refusalsInRow = 0;
    }
  }

  #refuse(reason: string): void {
    if (this.#refusal !== reason) {
      const pause = `${REFUSED_PAUSE_MS / 1000} s`;
      this.#log.error(`${reason}; until that is repaired, one call is tried every ${pause}`);
    }
    this.#refusal = reason;
    this.#open(this.#now());
  }

  #recordAnswer({ isSuccess }: { isSuccess: boolean }): void {
    if (isSuccess || this.#isOutage) this.#streak.end();
    if (!this.#isOutage) return;
    this.#isOutage = false;
    this.#outageBegins = new AbortController();
  }

  #recordFailure(
    key: Bytes | null,
    { isResponse, retryAfterMs }: { isResponse: boolean; retryAfterMs?: number | undefined },
  ): void {
    const answersAgain = isResponse && !this.#wasResponse;
    this.#wasResponse = isResponse;
    const isFirst = this.#streak.failures === 0;
    this.#streak.add(key);
    if (isFirst || retryAfterMs !== undefined) {
      this.#quietUntilMs = this.#now() + (retryAfterMs ?? 0);
    }
    if (!this.#isOutage) {
      if (this.#streak.isOutage) this.#beginOutage();
    } else if (answersAgain) {
      this.#pauses = backoffDelays(this.#backoff);
      if (this.#probes.size === 0) this.#scheduleProbe();
    }
  }

  #beginOutage(): void {
    const { failures, sinceMs, durationMs } = this.#streak;
    this.#isOutage = true;
    this.#pauses = backoffDelays(this.#backoff);
    this.#log.error(
      `the endpoint seems to be away: no success in ${failures} calls for ` +
        `${formatDelay(durationMs)}; waiting for it, and trying one event at a time`,
    );
    this.#open(sinceMs);
    // Without a reason, `abort()` would create an exception with its stack.
    this.#outageBegins.abort("outage");
  }

  #open(sinceMs: number): void {
    this.#openSinceMs ??= sinceMs;
    this.#turnAway();
    if (this.#permitWhileClosed === null) return;
    this.#permitWhileClosed = null;
    this.#scheduleProbe();
  }

  #close({ wasRefused }: { wasRefused: boolean }): void {
    if (this.#openSinceMs !== null) {
      const openMs = this.#now() - this.#openSinceMs;
      const what = wasRefused ? "accepts calls" : "answers";
      this.#log.warn(`the endpoint ${what} again, after ${formatDelay(openMs)}`);
      this.#health?.works(ENDPOINT);
    }
    this.#openSinceMs = null;
    this.#permitWhileClosed = {};
    this.#probes.clear();
    this.#refusalsInRow = 0;
    this.#letThrough();
  }

  #scheduleProbe(): void {
    this.#nextProbeAtMs = this.#now() + this.#nextPauseMs();
    this.#letThrough();
  }

  #nextPauseMs(): number {
    if (this.#refusal !== null) return REFUSED_PAUSE_MS;
    if (!this.#isOutage) return -Infinity;
    const longestMs = Math.max(this.#backoff.initialDelayMs, this.longestPauseMs);
    return Math.min(this.#pauses.next().value, longestMs);
  }

  /** Admits all waiting calls while closed, otherwise the next probe, now or after the pause. */
  #letThrough(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#permitWhileClosed !== null) return this.#waiting.admitAll(this.#permitWhileClosed);
    const isOneAtATime = this.#isOutage && this.#refusal === null;
    if (isOneAtATime && this.#probes.size > 0) return;
    // A suspended lease would hold up the probe.
    const next = this.#waiting.firstThatMayBegin;
    if (next === undefined) return;
    const quietUntilMs = isOneAtATime ? this.#quietUntilMs : -Infinity;
    const waitMs = Math.max(this.#nextProbeAtMs, quietUntilMs) - this.#now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#letThrough(), Math.ceil(waitMs));
      return;
    }
    const permit = { probe: next };
    this.#probes.add(permit);
    // A slow probe must not hold the others up for long.
    this.#nextProbeAtMs = this.#now() + REFUSED_PAUSE_MS;
    this.#waiting.admit(next, permit);
    this.#letThrough();
  }

  /** A pause can last longer than the end of a lease. */
  #turnAway(): void {
    this.#waiting.keepOnly(({ lease, mayBegin }) =>
      !lease.ending.aborted || this.#openSinceMs === null && mayBegin
    );
  }

  /**
   * A probe whose lease was suspended may still wait for a call slot. It loses its permit, so that another event can be
   * the probe; `takeTurn()` in `retry.ts` then enters it again.
   */
  #leaseChanged(): void {
    this.#turnAway();
    for (const permit of this.#probes) {
      if (permit.probe?.mayBegin !== true) this.leave(permit);
    }
    this.#letThrough();
  }
}
