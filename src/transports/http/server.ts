import { connect, type Socket } from "node:net";

/** How long nothing comes before the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000;

/** Where connections lead to. */
export interface Server {
  /** A name or an address, without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** The server that a URL names. */
export function serverOf({ hostname, port, protocol }: URL): Server {
  const defaultPort = protocol === "https:" ? 443 : 80;
  return {
    hostname: hostname.replaceAll(/[[\]]/g, ""),
    port: port === "" ? defaultPort : Number(port),
  };
}

/**
 * Begins to connect, without TLS. The addresses of a name are tried one after the other, as `localhost` often has two of
 * which a server listens at one: `Deno.connect()` would try the first one only.
 */
export function openSocket({ hostname, port }: Server): Socket {
  return connect({ host: hostname, port }).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}
