/** Limit of connections that cannot be closed; each takes a file descriptor. */
const MAX_UNCLOSED = 100;

/** Too many connections that were given up are still open. They are closed when the Worker ends. */
export class UnclosedConnectionsError extends Error {
  override readonly name = "UnclosedConnectionsError";

  constructor() {
    super(
      `${MAX_UNCLOSED} aborted connections to the endpoint are still open, because it neither reads from them nor closes ` +
        "them; restarting the pipeline closes them",
    );
  }
}

/**
 * Counts connections given up in a TLS handshake, or while the other side did not read the request. Such a connection
 * stays open after `close()`, until the other side reads or closes (Deno 2.6.8).
 */
export class UnclosedConnections {
  #count = 0;

  /** @param pending settles when the runtime has closed the connection */
  add(pending: Promise<unknown>): void {
    this.#count++;
    const end = () => void this.#count--;
    pending.then(end, end);
  }

  /** @throws {UnclosedConnectionsError} */
  throwIfTooMany(): void {
    if (this.#count >= MAX_UNCLOSED) throw new UnclosedConnectionsError();
  }
}
