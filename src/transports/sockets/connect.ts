/** A host and port to connect to. */
export interface Target {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const REMOVE = Object.getOwnPropertySymbols(AbortSignal.prototype)
  .find(({ description }) => description === "[[remove]]");

/** Whether an attempt was given up in this turn of the event loop. */
let isClosing = false;

/**
 * Connects to an address, or to the first one of a name, and leaves nothing open when it is given up.
 *
 * `Deno.connect()` alone leaks (2.6.8): a connection that was established just before it is given up, and its cancel
 * handle when a name is not found. Both result from its last steps with its signal.
 */
export async function connect({ host, port }: Target, signal: AbortSignal): Promise<Deno.TcpConn> {
  // A given-up connection is closed in the next turn: it and the new one must not be open together.
  while (isClosing) await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
  const own = new AbortController();
  Object.assign(own.signal, { throwIfAborted: () => {}, [REMOVE ?? ""]: () => {} });
  const giveUp = () => {
    own.abort();
    isClosing = true;
    setTimeout(() => isClosing = false);
  };
  signal.addEventListener("abort", giveUp);
  try {
    const connection = await Deno.connect({ hostname: host, port, signal: own.signal });
    if (!signal.aborted) return connection;
    connection.close();
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", giveUp);
    own.abort();
  }
}
