import type { Bytes } from "../../core/event.ts";
import { Connection, type ConnectionDependencies, type Exchange } from "./connection.ts";
import type { HttpResponse } from "./http_response.ts";

/** How long an idle connection is kept: less than the 5 s of Node.js and others, which could close it during a call. */
const MAX_IDLE_MS = 4000;

/** Maximum age of a connection: calls follow load balancers, and a busy server can stop gracefully. */
const MAX_AGE_MS = 5 * 60_000;

/** After an idle time of this length, the socket may hold bytes that nobody has read yet. */
const QUIET_MS = 100;

interface IdleConnection {
  readonly connection: Connection;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Connections to one server: one for each call in flight, kept for later calls. */
export class ConnectionPool implements Disposable {
  readonly #dependencies: ConnectionDependencies;
  /** In the order in which they became free. The last one is used first, so that the others can expire. */
  #idle: IdleConnection[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(dependencies: ConnectionDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Sends a request, and resolves with its response. Sends it once more, on a new connection, if the server closes a
   * reused one before any byte of the response, or with a 408.
   *
   * @throws {UnclosedConnectionsError}
   * @throws as `Connection.send()` rejects
   */
  exchange(request: Bytes, call: Exchange["call"]): Promise<HttpResponse> {
    return new Promise((resolve, reject) => this.#send({ request, call, resolve, reject }));
  }

  /** Closes idle connections now, and those in use when they become free. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }

  onFree(connection: Connection, keepMs: number): void {
    const sinceMs = this.#dependencies.now();
    const isOld = sinceMs - connection.openedAtMs > MAX_AGE_MS;
    if (this.#isClosed || isOld) return connection.close();
    const idleMs = Math.min(keepMs, MAX_IDLE_MS);
    this.#idle.push({ connection, sinceMs, untilMs: sinceMs + idleMs });
    this.#timer ??= setTimeout(() => this.#closeOld(), Math.ceil(idleMs));
  }

  onUnanswered(exchange: Exchange): void {
    this.#dependencies.onRepeated?.();
    this.#sendAnew(exchange);
  }

  /**
   * Closes connections that were idle when the silent call began. A gateway may have dropped them, and each would make
   * another call time out.
   */
  onSilence(begunAtMs: number): void {
    this.#keepIdle(({ sinceMs }) => sinceMs > begunAtMs);
  }

  #send(exchange: Exchange): void {
    const nowMs = this.#dependencies.now();
    const idle = this.#take(nowMs);
    if (idle === null) this.#sendAnew(exchange);
    else if (nowMs - idle.sinceMs < QUIET_MS) idle.connection.send(exchange);
    else this.#sendAfterReading(idle.connection, exchange);
  }

  /** Reads first: unread bytes must not pass for the response, and the server may have closed. */
  #sendAfterReading(connection: Connection, exchange: Exchange): void {
    setTimeout(() => {
      if (connection.isOpen) connection.send(exchange);
      else this.#send(exchange);
    });
  }

  #sendAnew(exchange: Exchange): void {
    try {
      this.#dependencies.unclosed.throwIfTooMany();
      new Connection(this.#dependencies, this).send(exchange);
    } catch (error) {
      exchange.reject(error as Error);
    }
  }

  #take(nowMs: number): IdleConnection | null {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (isUsable(idle, nowMs)) return idle;
      idle.connection.close();
    }
    return null;
  }

  #closeOld(): void {
    const nowMs = this.#dependencies.now();
    this.#keepIdle((idle) => isUsable(idle, nowMs));
    const nextMs = Math.min(...this.#idle.map(({ untilMs }) => untilMs));
    this.#timer = nextMs === Infinity
      ? undefined
      : setTimeout(() => this.#closeOld(), Math.ceil(nextMs - nowMs));
  }

  /** Closes all other idle connections. */
  #keepIdle(isKept: (idle: IdleConnection) => boolean): void {
    const others = this.#idle.filter((idle) => !isKept(idle));
    this.#idle = this.#idle.filter(isKept);
    for (const { connection } of others) connection.close();
  }
}

function isUsable({ connection, untilMs }: IdleConnection, nowMs: number): boolean {
  return connection.isOpen && nowMs < untilMs;
}
