import { isIP } from "node:net";
import { orAborted } from "../../core/backoff.ts";
import { connectToAddress, resolve } from "./address_of_name.ts";
import { connect, type Target } from "./connect.ts";
import type { Closable, Dial, Dials } from "./connection_race.ts";
import { ConnectError } from "./connect_error.ts";

/** The addresses of `localhost` (RFC 6761, section 6.3): not every machine lists both as hosts. */
const LOOPBACK = ["127.0.0.1", "::1"] as const;

/** An address whose attempt takes longer than this gets no further attempts. */
const SLOW_AFTER_MS = 250;

/** An attempt at an address, which cannot be given up. */
interface Probe {
  readonly startedMs: number;
  readonly connection: Promise<Deno.TcpConn>;
}

/** Attempts in progress by address. Later ones at the same address wait for them. */
const probes = new Map<string, Probe>();

/**
 * The attempts to connect to a target. The first one connects to the name: the system chooses the first address, and
 * the attempt can be aborted. Attempts at the other addresses follow, then another one at the first. The sandbox must
 * allow the target by its name.
 */
export function dialsOf({ host, port }: Target): Dials<Deno.TcpConn> {
  return {
    first: (signal) =>
      isLocalhost(host) ? dialLocalhost({ host, port }, signal) : connect({ host, port }, signal),
    async others() {
      if (isIP(host) !== 0) return [];
      if (isLocalhost(host)) {
        return LOOPBACK.map((host) => ofSeveral(host, (signal) => connect({ host, port }, signal)));
      }
      const { addresses, token } = await resolve({ host, port });
      const [first, ...rest] = interleaved(addresses);
      if (first === undefined || rest.length === 0) return [];
      return [...rest, first]
        .filter((host) => !isSlow({ host, port }))
        .map((host) => ofSeveral(host, (signal) => connectInTurn({ host, port }, token, signal)));
    },
  };
}

/** Not every resolver knows `localhost`, and hardly any knows it with a final dot. */
async function dialLocalhost({ host, port }: Target, signal: AbortSignal): Promise<Deno.TcpConn> {
  try {
    return await connect({ host, port }, signal);
  } catch (error) {
    if (ConnectError.of(error).code !== "ENOTFOUND") throw error;
    return await connect({ host: LOOPBACK[0], port }, signal);
  }
}

/** Without IPv6, `::1` fails with a code that elsewhere means a lack of ports. It says nothing here. */
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

/** Whether a name means this machine, whatever its resolver says. */
export function isLocalhost(host: string): boolean {
  return /^localhost\.?$/i.test(host);
}

/** Alternates IPv4 and IPv6, beginning with the family of the first (RFC 8305, section 4). */
export function interleaved(addresses: readonly string[]): string[] {
  const family = isIP(addresses[0] ?? "");
  const ofFirst = addresses.filter((address) => isIP(address) === family);
  const ofOther = addresses.filter((address) => isIP(address) !== family);
  const longest = Math.max(ofFirst.length, ofOther.length);
  return Array.from({ length: longest }, (_, at) => [ofFirst[at], ofOther[at]])
    .flat().filter((address) => address !== undefined);
}

function isSlow({ host, port }: Target): boolean {
  const probe = probes.get(`${host} ${port}`);
  return probe !== undefined && performance.now() - probe.startedMs > SLOW_AFTER_MS;
}

/** Connects to an address of a name. Waits for an attempt in progress there, and fails if that fails. */
async function connectInTurn(
  target: Target,
  token: object | undefined,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const key = `${target.host} ${target.port}`;
  const probe = probes.get(key);
  if (probe !== undefined) await orAborted(probe.connection, signal);
  const connection = connectToAddress(target, token);
  if (probe === undefined) {
    probes.set(key, { startedMs: performance.now(), connection });
    const forget = () => probes.delete(key);
    connection.then(forget, forget);
  }
  try {
    return await orAborted(connection, signal);
  } catch (error) {
    connection.then((late) => late.close(), () => {});
    throw error;
  }
}
