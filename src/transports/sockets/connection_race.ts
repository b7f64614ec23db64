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

/**
 * Starts each attempt when the previous one has failed, or has taken 250 ms. The first success wins; later connections
 * are closed.
 *
 * @throws {ConnectError} the most telling failure, when all attempts have failed
 * @throws the reason of `signal` when it aborts first
 */
export async function firstConnection<Connection extends Closable>(
  { first, others }: Dials<Connection>,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const result = Promise.withResolvers<Connection>();
  const over = new AbortController();
  let failures: ConnectError[] = [];
  const attempts: Promise<void>[] = [];

  const attempt = async (dial: Dial<Connection>) => {
    try {
      const connection = await dial(over.signal);
      if (over.signal.aborted) return connection.close();
      result.resolve(connection);
      over.abort();
    } catch (error) {
      failures.push(ConnectError.of(error));
    }
  };
  /** Resolves when the attempt has ended or takes long, or when the race is over. */
  const start = async (dial: Dial<Connection>) => {
    const attempting = attempt(dial);
    attempts.push(attempting);
    const ended = new AbortController();
    await Promise.race([attempting, sleep(NEXT_AFTER_MS, ended.signal, over.signal)]);
    ended.abort();
  };
  const startAll = async () => {
    await start(first);
    const isHopeless = failures.some(({ code }) => OF_EVERY_ADDRESS.has(code));
    if (!over.signal.aborted && !isHopeless) {
      const dials = await others();
      // The first address is tried again, so its failure does not count yet.
      if (dials.length > 0) failures = [];
      for (const dial of dials) {
        if (over.signal.aborted) return;
        await start(dial);
      }
    }
    await Promise.all(attempts);
    result.reject(mostTelling(failures));
  };

  try {
    startAll().catch(result.reject);
    return await orAborted(result.promise, signal);
  } finally {
    over.abort();
  }
}
