import type { Bytes } from "../../../core/event.ts";
import type { CallInFlight } from "./calls_in_flight.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { type HttpResponse, MAX_IDLE_MS } from "./http_client.ts";
import type { ResponseReader } from "./response_reader.ts";
import type { Server } from "../server.ts";
import { openSocket } from "./socket.ts";

interface IdleConnection {
  readonly connection: Connection;
  readonly sinceMs: number;
}

/** Connections to one server: one for each call in flight, kept for the next ones. */
export class ConnectionPool implements Disposable {
  readonly #server: Server;
  readonly #options: ConnectionOptions;
  /** The one that became free last comes last, and is used first: the others may become too old. */
  #idle: IdleConnection[] = [];
  #timer: number | undefined;
  #isClosed = false;

  /** @param newReader makes the reader of one response */
  constructor(server: Server, newReader: () => ResponseReader) {
    this.#server = server;
    this.#options = { newReader, onFree: (connection) => this.#keep(connection) };
  }

  /** Sends a request once, and resolves with its response; throws as `Connection.exchange()` does. */
  exchange(request: Bytes, call: CallInFlight): Promise<HttpResponse> {
    const connection = this.#take() ?? new Connection(openSocket(this.#server), this.#options);
    return connection.exchange(request, call);
  }

  /** Closes the connections that are kept, and those in use when they become free. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }

  #take(): Connection | null {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (isUsable(idle)) return idle.connection;
      idle.connection.close();
    }
    return null;
  }

  #keep(connection: Connection): void {
    if (this.#isClosed) return connection.close();
    this.#idle.push({ connection, sinceMs: performance.now() });
    this.#timer ??= setTimeout(() => this.#closeOld(), MAX_IDLE_MS);
  }

  #closeOld(): void {
    const { usable = [], old = [] } = Object.groupBy(
      this.#idle,
      (idle) => isUsable(idle) ? "usable" : "old",
    );
    for (const { connection } of old) connection.close();
    this.#idle = usable;
    const isNeeded = usable.length > 0;
    this.#timer = isNeeded ? setTimeout(() => this.#closeOld(), MAX_IDLE_MS) : undefined;
  }
}

function isUsable({ connection, sinceMs }: IdleConnection): boolean {
  return connection.isOpen && performance.now() - sinceMs < MAX_IDLE_MS;
}
