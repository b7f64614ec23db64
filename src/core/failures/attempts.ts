import { type Backoff, backoffDelays, DEFAULT_BACKOFF, formatDelay, sleep } from "../backoff.ts";
import type { AttemptsMade } from "../event.ts";
import type { Health } from "../health.ts";
import type { Lease } from "../lease.ts";
import { EventNotSettledError } from "../listener.ts";
import type { Logger } from "../log.ts";
import type { ToldReasons } from "./told_reasons.ts";

/** Dependencies and options of `Attempts`. */
export interface AttemptsParts {
  readonly log: Logger;
  /** Limits repeated log lines with the same reason. */
  readonly told?: ToldReasons | undefined;
  /** Replaces `DEFAULT_BACKOFF`. */
  readonly backoff?: Backoff | undefined;
  readonly health?: Health | undefined;
  /** How long attempts may fail before `health` counts them, in milliseconds. */
  readonly readyAfterMs?: number | undefined;
}

/** How long to wait before an attempt. */
export interface Pause {
  readonly backoff?: Backoff | undefined;
  readonly atLeastMs?: number | undefined;
  /** Upper limit of the next delay, but never below `initialDelayMs`; ignored without jitter. */
  readonly atMostMs?: number | undefined;
  /** Whether the reason is logged elsewhere: then DEBUG only. */
  readonly isTold?: boolean;
  /** Whether later events are blocked until an operator acts: every such pause is logged, unthrottled. */
  readonly isBlocking?: boolean;
  /** Ends the pause when aborted. Unlike the lease's end, this is no error. */
  readonly until?: AbortSignal | undefined;
}

const NONE: AttemptsMade = { made: 0, counted: 0, crashes: 0, firstFailedAtMs: 0 };

/** Delays to skip at most: more than a backoff takes to reach its maximum. */
const MAX_DELAYS_BEFORE = 50;

/** Failed attempts of one event. */
export class Attempts {
  readonly #what: () => string;
  readonly #parts: AttemptsParts;
  readonly #delays = new Map<Backoff, Generator<number, never>>();
  readonly #crashes: number;
  #madeBefore: number;
  #made: number;
  #counted: number;
  #firstFailedAtMs: number;

  /**
   * @param what completes "cannot ..."
   * @param past attempts made before a restart
   */
  constructor(what: () => string, parts: AttemptsParts, past: AttemptsMade = NONE) {
    this.#what = what;
    this.#parts = parts;
    this.#made = past.made;
    this.#madeBefore = past.made;
    this.#counted = past.counted;
    this.#crashes = past.crashes;
    this.#firstFailedAtMs = past.firstFailedAtMs;
  }

  /** Attempts so far, including those made before a restart. */
  get soFar(): AttemptsMade {
    return {
      made: this.#made,
      counted: this.#counted,
      crashes: this.#crashes,
      firstFailedAtMs: this.#firstFailedAtMs,
    };
  }

  /** Failed attempts, counted or not. */
  get made(): number {
    return this.#made;
  }

  /** Failed attempts that count towards `maxAttempts`. */
  get counted(): number {
    return this.#counted;
  }

  /** When the first one failed, in milliseconds since 1970. */
  get firstFailedAtMs(): number {
    return this.#firstFailedAtMs;
  }

  /** Records a failed attempt. */
  fail(): void {
    // `Date.now()` is monotonic in Workers with a Kafka client, not the time of day.
    if (this.#made++ === 0) this.#firstFailedAtMs = new Date().getTime();
  }

  /** Counts the failed attempt towards `maxAttempts`. */
  count(): void {
    this.#counted++;
  }

  /** Starts the backoff again from its shortest delay. */
  restartPauses(): void {
    this.#delays.clear();
    this.#madeBefore = 0;
  }

  /** Logs that the next attempt waits for the end of an outage. */
  logOutage(reason: string): void {
    this.#notReady(reason);
    this.#parts.log.warn(`cannot ${this.#what()}: ${reason}; trying again after the outage`);
  }

  /**
   * Waits before the next attempt.
   *
   * @param atLeastMs lower limit of the pause
   * @throws {EventNotSettledError} when the lease is ending before the pause is over
   */
  async pause(
    reason: string,
    { lease: { ending }, backoff, atLeastMs = 0, atMostMs, until, ...telling }: Pause & {
      lease: Lease;
    },
  ): Promise<void> {
    const pauseMs = Math.max(this.#nextDelayMs(backoff, atMostMs), atLeastMs);
    this.#logPause(reason, pauseMs, telling);
    await sleep(pauseMs, ending, ...(until === undefined ? [] : [until]));
    if (ending.aborted) throw new EventNotSettledError("The lease ended before a repetition");
  }

  /** No attempt follows: one has succeeded, or the event is given up. */
  end(): void {
    this.#parts.health?.works(this.#what());
  }

  #notReady(reason: string): void {
    const { health, readyAfterMs: afterMs } = this.#parts;
    health?.fails(this.#what(), `cannot ${this.#what()}: ${reason}`, { afterMs });
  }

  #logPause(
    reason: string,
    pauseMs: number,
    { isTold = false, isBlocking = false }: Pick<Pause, "isTold" | "isBlocking">,
  ): void {
    this.#notReady(reason);
    const { log, told } = this.#parts;
    const message = () =>
      `cannot ${this.#what()}: ${reason}; trying again in ${formatDelay(pauseMs)}`;
    const telling = isTold ? "no" : isBlocking ? "yes" : told?.tell(reason) ?? "yes";
    if (telling === "no") return log.debug(message);
    const more = "; for some seconds, this reason is told at DEBUG only";
    log.error(message() + (telling === "last" ? more : ""));
  }

  #nextDelayMs(
    backoff: Backoff = this.#parts.backoff ?? DEFAULT_BACKOFF,
    atMostMs = Infinity,
  ): number {
    const delays = this.#delays.get(backoff) ?? this.#delaysFrom(backoff);
    this.#delays.set(backoff, delays);
    const delayMs = delays.next().value;
    if (backoff.jitter === "none") return delayMs;
    return Math.min(delayMs, Math.max(atMostMs, backoff.initialDelayMs));
  }

  /** Skips the delays of attempts made before the restart. */
  #delaysFrom(backoff: Backoff): Generator<number, never> {
    const delays = backoffDelays(backoff);
    for (let i = Math.min(this.#madeBefore, MAX_DELAYS_BEFORE); i > 0; i--) delays.next();
    return delays;
  }
}
