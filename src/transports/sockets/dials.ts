import { lookup } from "node:dns";
import { isIP, Socket } from "node:net";
import { connect, type Target } from "./connect.ts";
import type { Closable, Dial, Dials } from "./connection_race.ts";
import { ConnectError } from "./connect_error.ts";
import { handleOf, streamIn, type TcpHandle } from "./tcp_handle.ts";

/** What a name leads to (RFC 6761, section 6.3): not every machine has both in its list of hosts. */
const LOOPBACK = ["127.0.0.1", "::1"];

/** Addresses at which an attempt still runs that nobody waits for. They are not tried again before it ends. */
const unsettled = new Set<string>();

/**
 * The attempts to connect to a target. The first is by its name: the system takes the first address, and that can be
 * given up. Then come the other addresses, and that one last. The sandbox has to allow the target by its name.
 */
export function dialsOf({ host, port }: Target): Dials<Deno.TcpConn> {
  return {
    first: (signal) => connect({ host, port }, signal),
    async others() {
      if (isIP(host) !== 0) return [];
      if (isLocalhost(host)) {
        return LOOPBACK.map((host) => ofSeveral(host, (signal) => connect({ host, port }, signal)));
      }
      const { addresses, token } = await resolve({ host, port });
      const [first, ...rest] = interleaved(addresses);
      if (first === undefined || rest.length === 0) return [];
      return [...rest, first]
        .filter((address) => !unsettled.has(`${address} ${port}`))
        .map((host) =>
          ofSeveral(host, (signal) => connectToAddress({ host, port }, token, signal))
        );
    },
  };
}

/** On a machine without IPv6 its loopback address lacks what elsewhere is a lack of ports, and tells nothing then. */
function ofSeveral<Connection extends Closable>(
  host: string,
  dial: Dial<Connection>,
): Dial<Connection> {
  return async (signal) => {
    try {
      return await dial(signal);
    } catch (cause) {
      const { code } = ConnectError.of(cause);
      if (host !== "::1" || code !== "EADDRNOTAVAIL") throw cause;
      throw new ConnectError("ENETUNREACH", { cause });
    }
  };
}

/** Whether a name stands for this machine whatever its resolver says. */
export function isLocalhost(host: string): boolean {
  return /^localhost\.?$/i.test(host);
}

/** IPv4 and IPv6 in turn, beginning with the family of the first one (RFC 8305, section 4). */
export function interleaved(addresses: readonly string[]): string[] {
  const family = isIP(addresses[0] ?? "");
  const ofFirst = addresses.filter((address) => isIP(address) === family);
  const ofOther = addresses.filter((address) => isIP(address) !== family);
  const longest = Math.max(ofFirst.length, ofOther.length);
  return Array.from({ length: longest }, (_, at) => [ofFirst[at], ofOther[at]])
    .flat().filter((address) => address !== undefined);
}

/** The addresses of a name, and what shows the sandbox that they are its addresses. */
export interface Resolution {
  readonly addresses: readonly string[];
  readonly token: object | undefined;
}

/**
 * Node's `lookup()` gives away either all addresses or the token of the sandbox (Deno 2.6.8). Both come to its request.
 * Without the port, the sandbox does not allow it.
 */
export function resolve({ host, port }: Target): Promise<Resolution> {
  return new Promise((resolve) => {
    const options: object = { port };
    const request: unknown = lookup(host, options, () => {});
    Object.assign(Object(request), {
      oncomplete: (_error: number, addresses: string[], token: object | undefined) =>
        resolve({ addresses: [...new Set(addresses)], token }),
    });
  });
}

/**
 * Connects to one of the addresses of a name that the sandbox allows. The runtime cannot give this up (Deno 2.6.8): when
 * nobody waits any more, the attempt goes on until the system ends it, and is closed then.
 */
export function connectToAddress(
  { host, port }: Target,
  token: object | undefined,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  return new Promise((resolve, reject) => {
    const handle = newHandle();
    const key = `${host} ${port}`;
    const giveUp = () => {
      unsettled.add(key);
      reject(signal.reason);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    let failure: unknown;
    const settle = (status: number) => {
      signal.removeEventListener("abort", giveUp);
      if (signal.aborted) unsettled.delete(key);
      if (status !== 0) return reject(ConnectError.of(failure));
      const connection = streamIn(handle) as Deno.TcpConn;
      if (signal.aborted) connection.close();
      else resolve(connection);
    };
    handle.setNetPermToken(token);
    catchingReason(
      () => handle.connect({ oncomplete: settle }, host, port),
      (error) => failure = error,
    );
  });
}

/** A handle of Node's sockets, without a socket. */
function newHandle(): TcpHandle {
  const socket = new Socket();
  socket.connect({ host: "name", port: 1, lookup: () => {} });
  const Handle = handleOf(socket).constructor as new (type: number) => TcpHandle;
  socket.destroy();
  return new Handle(0);
}

/**
 * Node's sockets say `ECONNREFUSED` whatever the system says (Deno 2.6.8): they drop the error of the promise by which
 * they connect. It is caught where they give that promise their callbacks, which they do before `connect()` returns.
 */
function catchingReason(begin: () => void, onReason: (error: unknown) => void): void {
  const { then } = Promise.prototype;
  Promise.prototype.then = function (this: Promise<unknown>, ...callbacks: unknown[]) {
    then.call(this, undefined, onReason);
    return Reflect.apply(then, this, callbacks);
  };
  try {
    begin();
  } finally {
    Promise.prototype.then = then;
  }
}
