import { type Backoff, backoffDelays, DEFAULT_BACKOFF, formatDelay, sleep } from "../backoff.ts";
import type { AttemptsMade } from "../event.ts";
import type { Health } from "../health.ts";
import type { Lease } from "../lease.ts";
import { EventNotSettledError } from "../listener.ts";
import type { Logger } from "../log.ts";
import type { ToldReasons } from "./told_reasons.ts";

/** Whom failed attempts are told to, and how long to wait between them. */
export interface AttemptsParts {
  readonly log: Logger;
  /** Spares the log what it has been told of other events. */
  readonly told?: ToldReasons | undefined;
  /** When it is not the default. */
  readonly backoff?: Backoff | undefined;
  readonly health?: Health | undefined;
  /** How long they may last before they matter to `health`. */
  readonly readyAfterMs?: number | undefined;
}

/** How long to wait before an attempt. */
export interface Pause {
  readonly backoff?: Backoff | undefined;
  readonly atLeastMs?: number | undefined;
  /** Bounds the next one of a backoff with jitter, but never below the backoff's shortest. */
  readonly atMostMs?: number | undefined;
  /** Whether the log tells of the reason elsewhere. */
  readonly isTold?: boolean;
  /** Whether what comes behind the event waits until somebody does something: the log tells of each such event. */
  readonly isBlocking?: boolean;
  /** Ends the pause when it aborts, if it is not the lease's end that does. */
  readonly until?: AbortSignal | undefined;
}

/** What is left of a pause that has ended early. */
export interface RestOfPause extends Pick<Pause, "atLeastMs" | "isTold" | "until"> {
  /** The end of the pause, by `performance.now()`. */
  readonly dueMs: number;
  /** Whether it must not end early again. */
  readonly isFixed?: boolean;
}

/** An event whose next attempt comes after a pause. */
interface PausingEvent {
  readonly lease: Lease;
  readonly offset: number;
}

/** How much of a pause passes at least, and of what is left of one. With full jitter, a pause may be as short anyway. */
const LEAST_PART = 1 / 32;
const LEAST_PART_OF_REST = 1 / 2;

/** What is left of a pause is not cut short any more when it is shorter. */
const MIN_REST_MS = 50;

const NONE: AttemptsMade = { made: 0, counted: 0, crashes: 0, firstFailedAtMs: 0 };

/** More of a backoff's delays than it takes to reach the longest. */
const MAX_DELAYS_BEFORE = 50;

/** What was tried for one event and has failed. */
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
   * @param past goes on from there
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

  /** What there was so far. */
  get soFar(): AttemptsMade {
    return {
      made: this.#made,
      counted: this.#counted,
      crashes: this.#crashes,
      firstFailedAtMs: this.#firstFailedAtMs,
    };
  }

  /** How many have failed, counted or not. */
  get made(): number {
    return this.#made;
  }

  /** How many of them used up what an event may have. */
  get counted(): number {
    return this.#counted;
  }

  /** When the first one failed, in milliseconds since 1970. */
  get firstFailedAtMs(): number {
    return this.#firstFailedAtMs;
  }

  /** Notes that one has failed. */
  fail(): void {
    // `Date.now()` need not be the time of day.
    if (this.#made++ === 0) this.#firstFailedAtMs = new Date().getTime();
  }

  /** Notes that the one that has failed counts. */
  count(): void {
    this.#counted++;
  }

  /** The next pauses are the shortest again. */
  restartPauses(): void {
    this.#delays.clear();
    this.#madeBefore = 0;
  }

  /** Says that the next attempt comes when the other side is there again. */
  logOutage(reason: string): void {
    this.#notReady(reason);
    this.#parts.log.warn(`cannot ${this.#what()}: ${reason}; trying again after the outage`);
  }

  /**
   * Waits before the next attempt.
   *
   * @param atLeastMs when the next one of the backoff is shorter
   * @throws {EventNotSettledError} when the lease is ending, before the pause is over
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
   * The same, but while all of the event's partition waits for an event that pauses, for this one or another, the pause
   * ends early, after a part of it at the earliest.
   *
   * @param offset the event's
   * @returns when the pause would have ended, by `performance.now()`, if it has ended early
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
   * Waits for the rest of a pause, which may end early again, after half of it at the earliest.
   *
   * @returns when the pause would have ended, by `performance.now()`, if it has ended early
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

  /** Nothing is tried any more: it has worked, or is given up. */
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

  /** Those of the attempts of before are over. */
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

/** Resolves with when the pause would have ended, by `performance.now()`, if it has ended early. */
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
  // Without a reason, it would take an exception with its stack.
  const forget = lease.whenHeldUp(offset, () => heldUp.abort("held up"));
  try {
    await pauseFor(pauseMs - leastMs, ending, until, heldUp.signal);
  } finally {
    forget();
  }
  return heldUp.signal.aborted ? dueMs : undefined;
}
