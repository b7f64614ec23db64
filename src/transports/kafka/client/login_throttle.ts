import { sleep } from "../../../core/backoff.ts";
import { AccessRefusedError, PAUSE_AFTER_REFUSAL_MS } from "../../../core/access_refused.ts";

/** A broker refuses a client, or the client does not trust it. kafkajs does not retry it, as `retriable` is false. */
export class BrokerRefusedError extends AccessRefusedError {
  override readonly name = "BrokerRefusedError";
  readonly retriable = false;
  /** Whether the account is refused, as all brokers of the cluster would. */
  readonly isAboutAccount: boolean;
  /** Whether only a new start of the pipeline can help. */
  readonly needsRestart: boolean;

  constructor(
    message: string,
    { isAboutAccount = false, needsRestart = false }: RefusalOptions = {},
  ) {
    super(message);
    this.isAboutAccount = isAboutAccount;
    this.needsRestart = needsRestart;
  }
}

type RefusalOptions = Partial<Pick<BrokerRefusedError, "isAboutAccount" | "needsRestart">>;

/** Informed of the outcome of login attempts. */
export interface LoginObserver {
  accepted(): void;
  refused(refusal: BrokerRefusedError): void;
}

/** The outcome of a login attempt: `undecided` when the network failed before the broker decided. */
type Outcome = "accepted" | "undecided" | BrokerRefusedError;

/** One connection's login attempt, until it is accepted, refused or undecided. */
export class LoginAttempt {
  readonly #decided = Promise.withResolvers<Outcome>();
  readonly #observer: LoginObserver;
  #isDecided = false;
  #refusal: BrokerRefusedError | null = null;

  constructor(observer: LoginObserver) {
    this.#observer = observer;
  }

  get outcome(): Promise<Outcome> {
    return this.#decided.promise;
  }

  get isDecided(): boolean {
    return this.#isDecided;
  }

  /** The refusal; null unless the attempt was refused. */
  get refusal(): BrokerRefusedError | null {
    return this.#refusal;
  }

  accept(): void {
    if (this.#isDecided) return;
    this.#decide("accepted");
    this.#observer.accepted();
  }

  /** Ends the attempt without a decision, as when the network fails. */
  leaveUndecided(): void {
    this.#decide("undecided");
  }

  /** Refuses the attempt, even one already accepted: a refusal may arrive late. The first refusal stays. */
  refuse(reason: string, options?: RefusalOptions): BrokerRefusedError {
    if (this.#refusal !== null) return this.#refusal;
    const refusal = new BrokerRefusedError(reason, options);
    this.#refusal = refusal;
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
 * Throttles the logins of one identity: a broker sees one attempt at a time, so that it does not lock the account.
 * Connections that wait for a refused attempt fail with its refusal. The next attempt begins at least
 * {@linkcode PAUSE_AFTER_REFUSAL_MS} after the refusal.
 */
export class LoginThrottle {
  readonly #now: () => number;
  readonly #sleep: (delayMs: number) => Promise<void>;
  #current: LoginAttempt | null = null;
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

  /** Whether the last known outcome is a refusal. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Notes a refusal, also of an attempt that went through another throttle. */
  noteRefusal(): void {
    this.#refusedAtMs = this.#now();
    this.#isRefused = true;
  }

  /** Notes a successful login. */
  noteAccepted(): void {
    this.#isRefused = false;
  }

  /**
   * Resolves when it is the caller's turn. The caller must decide the attempt, as others wait for it.
   *
   * @throws {BrokerRefusedError} when the attempt that the caller waited for is refused
   */
  async enter(observer: LoginObserver): Promise<LoginAttempt> {
    while (this.#current?.isDecided === false) {
      const outcome = await this.#current.outcome;
      if (outcome === "accepted") continue;
      if (outcome !== "undecided") {
        observer.refused(outcome);
        throw outcome;
      }
      // After a network failure all waiting attempts start at once, or their timeouts would add up.
      return this.#newAttempt(observer);
    }
    const attempt = this.#newAttempt(observer);
    this.#current = attempt;
    const pauseMs = this.#refusedAtMs + PAUSE_AFTER_REFUSAL_MS - this.#now();
    if (pauseMs > 0) await this.#sleep(pauseMs);
    return attempt;
  }

  #newAttempt(observer: LoginObserver): LoginAttempt {
    return new LoginAttempt({
      accepted: () => observer.accepted(),
      refused: (refusal) => {
        this.noteRefusal();
        observer.refused(refusal);
      },
    });
  }
}
