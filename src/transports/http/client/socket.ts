import { connect, type Socket } from "node:net";
import type { Server } from "../server.ts";

/** How long nothing comes before the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Begins to connect, without TLS. The addresses of a name are tried one after the other, as `localhost` often has two of
 * which a server listens at one: `Deno.connect()` would try the first one only.
 */
export function openSocket({ hostname, port }: Server): Socket {
  const host = hostname.replaceAll(/[[\]]/g, "");
  return connect({ host, port }).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}
