import type { Health } from "../../core/health.ts";
import { formatDelay } from "../../core/backoff.ts";
import { EventNotSettledError } from "../../core/listener.ts";
import type { Logger } from "../../core/log.ts";

/** Pause until the next probe, even while the previous one still runs. */
const PAUSE_MS = 5000;

/** A 403 may concern one event only: this many in a row without an accepted call open the breaker. */
const DOUBTS_IN_A_ROW = 5;

/** The name of this breaker in `Health`. */
const TRUST = "trust";

/** The right to make one call as a probe or, while the breaker is closed, any number of calls. */
export type Pass = symbol;

/** A call that waits for its pass. */
interface Waiting {
  readonly resolve: (pass: Pass) => void;
  readonly reject: (reason: unknown) => void;
  /** False once the lease is ending: the call then does not wait out a pause. */
  mayPause(): boolean;
  /** Removes the listeners of its signals. */
  leave(): void;
}

/** Dependencies; without `health`, only the log shows refusals. */
export interface TrustGateParts {
  readonly log: Logger;
  readonly health?: Health | undefined;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/**
 * A circuit breaker for TLS, credentials and tokens. A failure of these hits every call, and repeated attempts often
 * lock a client out.
 *
 * It starts half-open: one call goes as a probe, the others wait. A refusal opens it, and a probe follows every 5 s. An
 * accepted call closes it; without an earlier refusal, so does any outcome that is not a refusal. Outcomes of outdated
 * passes are ignored: their calls may have used earlier credentials.
 */
export class TrustGate implements Disposable {
  readonly #log: Logger;
  readonly #health: Health | undefined;
  readonly #now: () => number;
  /** The pass of all calls while the breaker is closed; undefined while it is open or half-open. */
  #open: Pass | undefined;
  /** Refusals in a row, while closed, that may concern their event only. */
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

  /** The pass while the breaker is closed; undefined when the call has to `enter()`. */
  get pass(): Pass | undefined {
    return this.#open;
  }

  /**
   * Waits until a call may be made. The caller reports its outcome by one of the methods below.
   *
   * @param ending once aborted, the call does not wait out a pause after a refusal
   * @throws the reason of `signal` when it aborts first
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

  /** The endpoint responded without refusing the credentials: closes the breaker. */
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
   * The outcome says nothing about credentials: no response, or one sent before they were checked. It closes the
   * breaker unless a refusal came earlier, which may still hold.
   */
  unanswered(pass: Pass): void {
    if (this.#failure !== undefined) this.left(pass);
    else if (this.#counts(pass)) this.#openFor(pass);
  }

  /** The call was given up before its outcome was known. */
  left(pass: Pass): void {
    if (!this.#ahead.delete(pass)) return;
    if (this.#ahead.size === 0) {
      this.#nextAtMs = this.#failure === undefined ? -Infinity : this.#later();
    }
    this.#letThrough();
  }

  /**
   * One side rejects the other's certificate or credentials: opens the breaker.
   *
   * @param reason tells users in the log and in `/readyz` what to repair; without secrets
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
   * A refusal that may concern its event only. While the breaker is closed, it opens at the fifth in a row without an
   * accepted call in between; otherwise the refusal counts at once.
   */
  doubted(pass: Pass, reason: string): void {
    if (pass !== this.#open || ++this.#doubts === DOUBTS_IN_A_ROW) this.refused(pass, reason);
  }

  /** The configuration has changed: a probe may go at once, and outcomes of earlier calls no longer count. */
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

  /** Admits all waiting calls while closed, otherwise the next probe, now or after the pause. */
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
    // A slow probe must not block the others: the next one goes after the pause.
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

  /** Rejects all waiting calls with an `AbortError`. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const waiting of this.#waiting.splice(0)) {
      waiting.leave();
      waiting.reject(new DOMException("", "AbortError"));
    }
  }
}
