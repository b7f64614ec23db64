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
  /** Ends the pause early when aborted. Unlike the lease's end, this is no error. */
  readonly until?: AbortSignal | undefined;
}

/** The remainder of a pause that ended early. */
export interface RestOfPause extends Pick<Pause, "atLeastMs" | "isTold" | "until"> {
  /** When the pause was to end, by `performance.now()`. */
  readonly dueMs: number;
  /** Whether the remainder must not end early. */
  readonly isFixed?: boolean;
}

/** An event that pauses before its next attempt. */
interface PausingEvent {
  readonly lease: Lease;
  readonly offset: number;
}

/** The least part of a pause, and of a remainder, before an early call. Full jitter can draw pauses as short. */
const LEAST_PART = 1 / 32;
const LEAST_PART_OF_REST = 1 / 2;

/** A shorter remainder does not end early. */
const MIN_REST_MS = 50;

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
    await pauseFor(pauseMs, ending, until);
  }

  /**
   * Like `pause()`, but ends early while every other event of the partition waits for a paused one. At least
   * `LEAST_PART` of it passes.
   *
   * @param offset of the event
   * @returns when the pause was to end, by `performance.now()`, if it ended early
   */
  async pauseWhileOthersGoOn(
    reason: string,
    { lease, offset, backoff, until }: Pick<Pause, "backoff" | "until"> & PausingEvent,
  ): Promise<number | undefined> {
    const pauseMs = this.#nextDelayMs(backoff);
    this.#logPause(reason, pauseMs, { when: "within" });
    const leastMs = pauseMs * LEAST_PART;
    return await pauseUnlessHeldUp(pauseMs, { leastMs, until, lease, offset });
  }

  /**
   * Waits for the remainder of a pause. It may end early again, after `LEAST_PART_OF_REST` at the earliest.
   *
   * @returns when the pause was to end, by `performance.now()`, if it ended early
   */
  async goOnPausing(
    reason: string,
    { dueMs, atLeastMs = 0, isTold, isFixed = false, until, lease, offset }:
      & RestOfPause
      & PausingEvent,
  ): Promise<number | undefined> {
    const restMs = Math.max(dueMs - performance.now(), atLeastMs, 0);
    const mayEndEarly = !isFixed && restMs >= MIN_REST_MS;
    this.#logPause(reason, restMs, { when: mayEndEarly ? "within" : "in", isTold });
    if (mayEndEarly) {
      const leastMs = restMs * LEAST_PART_OF_REST;
      return await pauseUnlessHeldUp(restMs, { leastMs, until, lease, offset });
    }
    await pauseFor(restMs, lease.ending, until);
    return undefined;
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
    { when = "in", isTold = false, isBlocking = false }: {
      when?: "in" | "within";
      isTold?: boolean | undefined;
      isBlocking?: boolean;
    },
  ): void {
    this.#notReady(reason);
    const { log, told } = this.#parts;
    const message = () =>
      `cannot ${this.#what()}: ${reason}; trying again ${when} ${formatDelay(pauseMs)}`;
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

async function pauseFor(
  pauseMs: number,
  ending: AbortSignal,
  ...others: readonly (AbortSignal | undefined)[]
): Promise<void> {
  await sleep(pauseMs, ending, ...others.filter((signal) => signal !== undefined));
  if (ending.aborted) throw new EventNotSettledError("The lease ended before a repetition");
}

/** Resolves with the time the pause was to end, by `performance.now()`, if it ended early. */
async function pauseUnlessHeldUp(
  pauseMs: number,
  { leastMs, until, lease, offset }:
    & { leastMs: number; until: AbortSignal | undefined }
    & PausingEvent,
): Promise<number | undefined> {
  const { ending } = lease;
  const dueMs = performance.now() + pauseMs;
  await pauseFor(leastMs, ending, until);
  const heldUp = new AbortController();
  // Without a reason, `abort()` would create an exception with its stack.
  const forget = lease.whenHeldUp(offset, () => heldUp.abort("held up"));
  try {
    await pauseFor(pauseMs - leastMs, ending, until, heldUp.signal);
  } finally {
    forget();
  }
  return heldUp.signal.aborted ? dueMs : undefined;
}
