import type { Health } from "../../core/health.ts";
import { formatDelay } from "../../core/backoff.ts";
import { EventNotSettledError } from "../../core/listener.ts";
import type { Logger } from "../../core/log.ts";

/** How long it takes until another call may find out whether it works again. */
const PAUSE_MS = 5000;

/** So many refusals in a row that may each be for one call alone are for all. */
const DOUBTS_IN_A_ROW = 5;

/** What `Health` knows it by. */
const TRUST = "trust";

/** The right to make one call, or many of them as long as all is well. */
export type Pass = symbol;

/** A call that waits for its pass. */
interface Waiting {
  readonly resolve: (pass: Pass) => void;
  readonly reject: (reason: unknown) => void;
  /** Whether it would still be made after a pause. */
  mayPause(): boolean;
  /** It waits no longer. */
  leave(): void;
}

/** What a gate needs. */
export interface TrustGateParts {
  readonly log: Logger;
  readonly health?: Health | undefined;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Holds calls back while it is not certain that both sides accept who the other one is: certificates, credentials, and
 * whoever gives those. What fails of these fails for every call, and asking often gets clients locked out.
 *
 * One call goes ahead; the others wait for what becomes of it. When it fails for such a reason, the next one follows
 * after 5 s, and so on, until one is accepted; when it ends otherwise, all may go, until one of them fails for such a
 * reason. Only what is said of a pass that still counts is heeded: a call may have begun under credentials of before.
 */
export class TrustGate implements Disposable {
  readonly #log: Logger;
  readonly #health: Health | undefined;
  readonly #now: () => number;
  /** While all may go. */
  #open: Pass | undefined;
  /** How many calls in a row were refused that may have been refused for themselves. */
  #doubts = 0;
  readonly #ahead = new Set<Pass>();
  readonly #waiting: Waiting[] = [];
  #nextAtMs = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: { readonly reason: string; readonly sinceMs: number } | undefined;

  constructor({ log, health, now = () => performance.now() }: TrustGateParts) {
    this.#log = log;
    this.#health = health;
    this.#now = now;
  }

  /** For a call that is made at once; undefined when it has to wait. */
  get pass(): Pass | undefined {
    return this.#open;
  }

  /**
   * Resolves when a call may be made. Whoever has made it says by one of the other methods how it has ended.
   *
   * @param ending when it has aborted, the call is not made after a pause
   * @throws the signal's reason, when it aborts before
   * @throws {EventNotSettledError} because of `ending`
   */
  enter(signal: AbortSignal, ending?: AbortSignal): Promise<Pass> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.leave();
        reject(signal.reason);
      };
      const lookAgain = () => this.#letThrough();
      const waiting: Waiting = {
        resolve,
        reject,
        mayPause: () => ending?.aborted !== true,
        leave() {
          signal.removeEventListener("abort", giveUp);
          ending?.removeEventListener("abort", lookAgain);
        },
      };
      signal.addEventListener("abort", giveUp);
      ending?.addEventListener("abort", lookAgain);
      this.#waiting.push(waiting);
      this.#letThrough();
    });
  }

  /** The other side has answered, and not to say that it does not trust us. */
  accepted(pass: Pass): void {
    if (!this.#counts(pass)) return;
    this.#doubts = 0;
    if (this.#failure !== undefined) {
      const sinceMs = this.#now() - this.#failure.sinceMs;
      this.#log.warn(`the endpoint accepts calls again, after ${formatDelay(sinceMs)}`);
      this.#failure = undefined;
      this.#health?.works(TRUST);
    }
    this.#openFor(pass);
  }

  /**
   * Nothing became known of trust: there was no answer, or one that is given without a look at who calls. That lets all
   * go, unless there was a refusal before: as long as nobody is accepted, it may still be true.
   */
  unanswered(pass: Pass): void {
    if (this.#failure !== undefined) this.left(pass);
    else if (this.#counts(pass)) this.#openFor(pass);
  }

  /** The call was given up before anything became known. */
  left(pass: Pass): void {
    if (!this.#ahead.delete(pass)) return;
    if (this.#ahead.size === 0) {
      this.#nextAtMs = this.#failure === undefined ? -Infinity : this.#later();
    }
    this.#letThrough();
  }

  /**
   * One side does not accept who the other one is.
   *
   * @param reason without secrets, for people who are to repair that
   */
  refused(pass: Pass, reason: string): void {
    if (!this.#counts(pass)) return;
    this.#open = undefined;
    this.#ahead.delete(pass);
    this.#nextAtMs = this.#later();
    if (this.#failure?.reason !== reason) {
      this.#log.error(
        `${reason}; until that is repaired, one call is tried every ${PAUSE_MS / 1000} s`,
      );
      this.#failure = { reason, sinceMs: this.#failure?.sinceMs ?? this.#now() };
    }
    this.#health?.fails(TRUST, reason);
    this.#letThrough();
  }

  /**
   * The same, but where others were accepted, it may be for what this call asked alone: only when it is said of several in
   * a row, none being accepted between them, it counts.
   */
  doubted(pass: Pass, reason: string): void {
    if (pass !== this.#open || ++this.#doubts === DOUBTS_IN_A_ROW) this.refused(pass, reason);
  }

  /** Something was repaired, perhaps: one call may find out at once. What is said of earlier ones no longer counts. */
  renew(): void {
    this.#open = undefined;
    this.#ahead.clear();
    this.#nextAtMs = -Infinity;
    this.#letThrough();
  }

  #counts(pass: Pass): boolean {
    return pass === this.#open || this.#ahead.has(pass);
  }

  #openFor(pass: Pass): void {
    if (pass === this.#open) return;
    this.#ahead.clear();
    this.#doubts = 0;
    this.#open = Symbol("open");
    this.#letThrough();
  }

  /** Lets the next one through, or sees to that later. */
  #letThrough(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#open !== undefined) {
      for (const waiting of this.#waiting.splice(0)) this.#admit(waiting, this.#open);
      return;
    }
    const waitMs = this.#nextAtMs - this.#now();
    if (waitMs > 0 && this.#failure !== undefined) this.#sendAwayWhoMayNotPause();
    const [next] = this.#waiting;
    if (next === undefined) return;
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#letThrough(), Math.ceil(waitMs));
      return;
    }
    this.#waiting.shift();
    const pass = Symbol("ahead");
    this.#ahead.add(pass);
    // One that takes long must not hold up all others.
    this.#nextAtMs = this.#later();
    this.#admit(next, pass);
    this.#letThrough();
  }

  #admit(waiting: Waiting, pass: Pass): void {
    waiting.leave();
    waiting.resolve(pass);
  }

  #sendAwayWhoMayNotPause(): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.mayPause()) this.#waiting.push(waiting);
      else {
        waiting.leave();
        waiting.reject(new EventNotSettledError("The lease ended before the call was made"));
      }
    }
  }

  #later(): number {
    return this.#now() + PAUSE_MS;
  }

  /** Whoever waits is given up. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const waiting of this.#waiting.splice(0)) {
      waiting.leave();
      waiting.reject(new DOMException("", "AbortError"));
    }
  }
}
