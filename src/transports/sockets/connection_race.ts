import { orAborted, sleep } from "../../core/backoff.ts";
import { ConnectError, mostTelling } from "./connect_error.ts";

/** How long an attempt may take before the next address is tried as well (RFC 8305, section 5). */
const NEXT_AFTER_MS = 250;

/** Failures that every other address would have, too. */
const OF_EVERY_ADDRESS = new Set(["EPERM", "EMFILE", "ENFILE", "ENOTFOUND"]);

/** What a race needs of a connection. */
export interface Closable {
  close(): void;
}

export type Dial<Connection extends Closable> = (signal: AbortSignal) => Promise<Connection>;

/** The attempts to connect to a target. */
export interface Dials<Connection extends Closable> {
  readonly first: Dial<Connection>;
  /** Finds the attempts at other addresses in their order, then at the first one again; empty without others. */
  readonly others: () => Promise<readonly Dial<Connection>[]>;
}

/** A race of attempts to connect. The first success wins; later connections are closed. */
export class ConnectionRace<Connection extends Closable> {
  readonly #result = Promise.withResolvers<Connection>();
  readonly #over = new AbortController();
  readonly #failures: ConnectError[] = [];
  #isOver = false;

  /**
   * Starts each attempt when the previous one has failed, or has taken 250 ms.
   *
   * @throws {ConnectError} the most telling failure, when all attempts have failed
   * @throws the reason of `signal` when it aborts first
   */
  async run({ first, others }: Dials<Connection>, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    try {
      this.#runAll(first, others).catch(this.#result.reject);
      return await orAborted(this.#result.promise, signal);
    } finally {
      this.#isOver = true;
      this.#over.abort();
    }
  }

  async #runAll(first: Dial<Connection>, others: Dials<Connection>["others"]): Promise<void> {
    const attempts = [this.#attempt(first)];
    await this.#failureOrPause(attempts[0]);
    if (!this.#isOver && !this.#isHopeless) {
      const dials = await others();
      // The first address is tried again, so its failure does not count yet.
      if (dials.length > 0) this.#failures.length = 0;
      for (const dial of dials) {
        if (this.#isOver) return;
        const attempt = this.#attempt(dial);
        attempts.push(attempt);
        await this.#failureOrPause(attempt);
      }
    }
    await Promise.all(attempts);
    this.#result.reject(mostTelling(this.#failures));
  }

  /** Resolves when the attempt has ended. */
  async #attempt(dial: Dial<Connection>): Promise<void> {
    try {
      const connection = await dial(this.#over.signal);
      if (this.#isOver) return connection.close();
      this.#isOver = true;
      this.#result.resolve(connection);
    } catch (error) {
      this.#failures.push(ConnectError.of(error));
    }
  }

  async #failureOrPause(attempt: Promise<void> | undefined): Promise<void> {
    const ended = new AbortController();
    await Promise.race([attempt, sleep(NEXT_AFTER_MS, ended.signal, this.#over.signal)]);
    ended.abort();
  }

  get #isHopeless(): boolean {
    return this.#failures.some(({ code }) => OF_EVERY_ADDRESS.has(code));
  }
}
