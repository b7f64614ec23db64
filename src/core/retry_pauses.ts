import { type Backoff, backoffDelays, DEFAULT_BACKOFF, formatDelay, sleep } from "./backoff.ts";
import type { Health } from "./health.ts";
import type { Lease } from "./lease.ts";
import { EventNotSettledError } from "./listener.ts";
import type { Logger } from "./log.ts";
import type { LogThrottle } from "./log_throttle.ts";

/** Dependencies and options of whatever is repeated until it works. */
export interface RetryOptions {
  readonly log: Logger;
  /** Limits log lines with the same reason. */
  readonly throttle?: LogThrottle | undefined;
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
  readonly isLogged?: boolean;
  /** Whether later events are blocked until an operator acts: every such pause is logged, unthrottled. */
  readonly isBlocking?: boolean;
  /** Ends the pause when aborted. Unlike the lease's end, this is no error. */
  readonly until?: AbortSignal | undefined;
}

/** Delays to skip at most: more than a backoff takes to reach its maximum. */
const MAX_SKIPPED = 50;

/** Pauses between the attempts at one thing; they show up in the log and in the pipeline's health. */
export class RetryPauses {
  readonly #what: () => string;
  readonly #options: RetryOptions;
  readonly #delays = new Map<Backoff, Generator<number, never>>();
  #madeBefore: number;

  /**
   * @param what completes "cannot ..."
   * @param madeBefore attempts made before a restart, whose delays are skipped
   */
  constructor(
    what: () => string,
    options: RetryOptions,
    { madeBefore = 0 }: { madeBefore?: number } = {},
  ) {
    this.#what = what;
    this.#options = options;
    this.#madeBefore = madeBefore;
  }

  /**
   * Waits before the next attempt.
   *
   * @throws {EventNotSettledError} when the lease is ending before the pause is over
   */
  async pause(
    reason: string,
    { lease: { ending }, backoff, atLeastMs = 0, atMostMs, until, ...logging }: Pause & {
      lease: Lease;
    },
  ): Promise<void> {
    const pauseMs = Math.max(this.#nextDelayMs(backoff, atMostMs), atLeastMs);
    this.#notReady(reason);
    this.#logPause(reason, pauseMs, logging);
    await sleep(pauseMs, ending, ...(until === undefined ? [] : [until]));
    if (ending.aborted) throw new EventNotSettledError("The lease ended before a repetition");
  }

  /** Logs that the next attempt waits for the end of an outage. */
  logOutage(reason: string): void {
    this.#notReady(reason);
    this.#options.log.warn(`cannot ${this.#what()}: ${reason}; trying again after the outage`);
  }

  /** Starts each backoff again from its shortest delay. */
  restart(): void {
    this.#delays.clear();
    this.#madeBefore = 0;
  }

  /** No attempt follows: one has succeeded, or the event is given up. */
  end(): void {
    this.#options.health?.works(this.#what());
  }

  #notReady(reason: string): void {
    const { health, readyAfterMs: afterMs } = this.#options;
    health?.fails(this.#what(), `cannot ${this.#what()}: ${reason}`, { afterMs });
  }

  #logPause(
    reason: string,
    pauseMs: number,
    { isLogged = false, isBlocking = false }: Pick<Pause, "isLogged" | "isBlocking">,
  ): void {
    const { log, throttle } = this.#options;
    const message = () =>
      `cannot ${this.#what()}: ${reason}; trying again in ${formatDelay(pauseMs)}`;
    const allowed = isLogged ? "no" : isBlocking ? "yes" : throttle?.allows(reason) ?? "yes";
    if (allowed === "no") return log.debug(message);
    const more = "; further occurrences are logged at DEBUG for 10 s";
    log.error(message() + (allowed === "last" ? more : ""));
  }

  #nextDelayMs(
    backoff: Backoff = this.#options.backoff ?? DEFAULT_BACKOFF,
    atMostMs = Infinity,
  ): number {
    const delays = this.#delays.get(backoff) ?? this.#delaysOf(backoff);
    this.#delays.set(backoff, delays);
    const delayMs = delays.next().value;
    if (backoff.jitter === "none") return delayMs;
    return Math.min(delayMs, Math.max(atMostMs, backoff.initialDelayMs));
  }

  #delaysOf(backoff: Backoff): Generator<number, never> {
    const delays = backoffDelays(backoff);
    for (let i = Math.min(this.#madeBefore, MAX_SKIPPED); i > 0; i--) delays.next();
    return delays;
  }
}
