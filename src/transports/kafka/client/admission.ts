import { sleep } from "../../../core/backoff.ts";
import { AccessRefusedError, PAUSE_AFTER_REFUSAL_MS } from "../../../core/access_refused.ts";

/** A broker and a client do not get together. kafkajs looks at `retriable`. */
export class BrokerRefusedError extends AccessRefusedError {
  override readonly name = "BrokerRefusedError";
  readonly retriable = false;
  /** Whether the account is refused, which is the same at all brokers of a cluster. */
  readonly isAboutAccount: boolean;

  constructor(message: string, { isAboutAccount = false }: { isAboutAccount?: boolean } = {}) {
    super(message);
    this.isAboutAccount = isAboutAccount;
  }
}

/** Told what becomes of attempts. */
export interface AdmissionObserver {
  admitted(): void;
  refused(refusal: BrokerRefusedError): void;
}

/** How an attempt came out: `undecided` when the network failed before it was known. */
type Outcome = "admitted" | "undecided" | BrokerRefusedError;

/** One connection's attempt to be let in by a broker. */
export class Attempt {
  readonly #decided = Promise.withResolvers<Outcome>();
  readonly #observer: AdmissionObserver;
  readonly #onRefusal: () => void;
  #isDecided = false;
  #refusal: BrokerRefusedError | null = null;

  constructor(observer: AdmissionObserver, onRefusal: () => void) {
    this.#observer = observer;
    this.#onRefusal = onRefusal;
  }

  get outcome(): Promise<Outcome> {
    return this.#decided.promise;
  }

  get isDecided(): boolean {
    return this.#isDecided;
  }

  /** Why it was refused, if it was. */
  get refusal(): BrokerRefusedError | null {
    return this.#refusal;
  }

  admit(): void {
    if (this.#isDecided) return;
    this.#decide("admitted");
    this.#observer.admitted();
  }

  /** The network failed before it was known. */
  leaveUndecided(): void {
    this.#decide("undecided");
  }

  /** Whether it was admitted before or not: that can come to light later. */
  refuse(reason: string, options?: { isAboutAccount?: boolean }): BrokerRefusedError {
    if (this.#refusal !== null) return this.#refusal;
    const refusal = new BrokerRefusedError(reason, options);
    this.#refusal = refusal;
    this.#onRefusal();
    this.#decide(refusal);
    this.#observer.refused(refusal);
    return refusal;
  }

  #decide(outcome: Outcome): void {
    this.#isDecided = true;
    this.#decided.resolve(outcome);
  }
}

/**
 * Lets connections of one identity try one after the other whether a broker lets them in. After a refusal the next one
 * has to wait, and those that waited for it meanwhile share the refusal: however many connections a pipeline has, a
 * broker sees one attempt at a time, so that no account gets locked.
 */
export class Admission {
  readonly #now: () => number;
  readonly #sleep: (delayMs: number) => Promise<void>;
  #current: Attempt | null = null;
  #refusedAtMs = -Infinity;
  #isRefused = false;

  /** @param now monotonic, in milliseconds */
  constructor(
    { now = () => performance.now(), sleep: sleepFor = sleep }: {
      now?: () => number;
      sleep?: (delayMs: number) => Promise<void>;
    } = {},
  ) {
    this.#now = now;
    this.#sleep = sleepFor;
  }

  /** Whether the last that is known of it is a refusal. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Notes a refusal, of which it may learn from elsewhere. */
  noteRefusal(): void {
    this.#refusedAtMs = this.#now();
    this.#isRefused = true;
  }

  /** Notes that somebody was let in. */
  noteAdmitted(): void {
    this.#isRefused = false;
  }

  /**
   * Resolves when it is the caller's turn. It has to decide the attempt.
   *
   * @throws {BrokerRefusedError} when the attempt that it waited for was refused
   */
  async enter(observer: AdmissionObserver): Promise<Attempt> {
    while (this.#current?.isDecided === false) {
      const outcome = await this.#current.outcome;
      if (outcome === "admitted") continue;
      if (outcome !== "undecided") {
        observer.refused(outcome);
        throw outcome;
      }
      // One after the other would wait for the network's deadlines one after the other.
      return this.#newAttempt(observer);
    }
    const attempt = this.#newAttempt(observer);
    this.#current = attempt;
    const pauseMs = this.#refusedAtMs + PAUSE_AFTER_REFUSAL_MS - this.#now();
    if (pauseMs > 0) await this.#sleep(pauseMs);
    return attempt;
  }

  #newAttempt(observer: AdmissionObserver): Attempt {
    return new Attempt(observer, () => this.noteRefusal());
  }
}
