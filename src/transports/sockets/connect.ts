/** Where a connection leads to. */
export interface Target {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const REMOVE = Object.getOwnPropertySymbols(AbortSignal.prototype)
  .find(({ description }) => description === "[[remove]]");

/** Whether an attempt was given up in this turn. */
let isClosing = false;

/**
 * Connects to an address, or to the first one of a name, and leaves nothing open when it is given up.
 *
 * `Deno.connect()` alone does (2.6.8): it forgets a connection that has come about by the time when it is given up, and
 * what it could be given up by when a name is not found. Both are due to what it does with its signal in the end.
 */
export async function connect({ host, port }: Target, signal: AbortSignal): Promise<Deno.TcpConn> {
  // The system closes what was just given up in the next turn: the two are not to add up.
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
