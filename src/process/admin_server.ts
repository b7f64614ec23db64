import { sleep } from "../core/backoff.ts";
import type { Logger } from "../core/log.ts";
import { LogThrottle } from "../core/log_throttle.ts";
import { type AdminRequest, readAdminRequest, responseBytes } from "./admin_messages.ts";
import { writeAll } from "./console.ts";

/** Open connections at most. A further one closes the oldest. */
export const MAX_ADMIN_CONNECTIONS = 64;

/** How long a connection may take to send its request and read the response. */
const DEADLINE_MS = 10_000;

const MAX_HEAD_BYTES = 8 * 1024;

/** Pause after a failed `accept()`. */
const PAUSE_MS = 100;

/** How long the same warning is not repeated. */
const REPEAT_INTERVAL_MS = 60_000;

export interface AdminServerOptions {
  readonly respond: (request: AdminRequest) => Response;
  readonly log: Logger;
  readonly deadlineMs?: number;
}

/**
 * Answers one request per connection. `Deno.serve()` is unsuitable: it waits for slow clients for ever, and ends when
 * the process has no descriptor left (Deno 2.6.8).
 */
export class AdminServer implements Disposable {
  readonly #listener: Deno.Listener;
  readonly #options: AdminServerOptions;
  /** Oldest first. */
  readonly #connections = new Set<Deno.Conn>();
  readonly #throttle = new LogThrottle({ intervalMs: REPEAT_INTERVAL_MS });
  #isClosed = false;

  constructor(listener: Deno.Listener, options: AdminServerOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  async serve(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const connection = await this.#listener.accept();
        if (this.#connections.size >= MAX_ADMIN_CONNECTIONS) this.#closeOldest();
        void this.#answer(connection);
      } catch {
        if (this.#isClosed) return;
        this.#warn(
          "admin: cannot accept a connection; check the limit of open files (ulimit -n)",
        );
        this.#closeOldest();
        await sleep(PAUSE_MS);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#listener.close();
    for (const connection of this.#connections) this.#close(connection);
  }

  async #answer(connection: Deno.Conn): Promise<void> {
    this.#connections.add(connection);
    const timer = setTimeout(
      () => this.#close(connection),
      this.#options.deadlineMs ?? DEADLINE_MS,
    );
    try {
      const request = await readRequest(connection);
      if (request === null) return;
      await writeAll(connection, await this.#response(request));
      await connection.closeWrite();
      // Closing a connection with unread bytes resets it, and the response is lost.
      const rest = new Uint8Array(1024);
      while (await connection.read(rest) !== null);
    } catch {
      // The client is gone, or was too slow.
    } finally {
      clearTimeout(timer);
      this.#close(connection);
    }
  }

  async #response(request: AdminRequest | string): Promise<Uint8Array> {
    if (typeof request !== "string") {
      return await responseBytes(this.#options.respond(request), request);
    }
    this.#warn(`admin: rejected a request with status 400: ${request}`);
    return await responseBytes(new Response(`${request}\n`, { status: 400 }), { method: "GET" });
  }

  #closeOldest(): void {
    const [oldest] = this.#connections;
    if (oldest !== undefined) this.#close(oldest);
  }

  #close(connection: Deno.Conn): void {
    if (this.#connections.delete(connection)) connection.close();
  }

  #warn(message: string): void {
    if (this.#throttle.allows(message) !== "no") this.#options.log.warn(message);
  }
}

/** Reads a request, or says what is wrong with it; null when the connection ends first. */
async function readRequest(connection: Deno.Conn): Promise<AdminRequest | string | null> {
  const buffer = new Uint8Array(MAX_HEAD_BYTES);
  let length = 0;
  while (length < buffer.length) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) return null;
    length += count;
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, length));
    const [head, ...rest] = text.split("\r\n\r\n", 2);
    if (rest.length > 0) return readAdminRequest(head ?? "");
  }
  return `the head is larger than ${MAX_HEAD_BYTES / 1024} KiB`;
}
