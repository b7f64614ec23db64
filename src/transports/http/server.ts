import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How long nothing comes before the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000;

/** Where connections lead to. */
export interface Server {
  /** A name or an address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** The server that a URL names. */
export function serverOf({ hostname, port, protocol }: URL): Server {
  const isTls = protocol === "https:";
  return {
    hostname: hostname.replaceAll(/[[\]]/g, ""),
    port: Number(port) || (isTls ? 443 : 80),
    isTls,
  };
}

/**
 * Begins to connect; what is written meanwhile is sent afterwards, with TLS when the server has been verified. The
 * addresses of a name are tried one after the other, as `localhost` often has two of which a server listens at one:
 * `Deno.connect()` would try the first one only.
 */
export function openSocket({ hostname: host, port, isTls }: Server): Socket {
  const servername = isIP(host) ? {} : { servername: host };
  const socket = isTls
    ? connectTls({ host, port, ...servername, ALPNProtocols: ["http/1.1"] })
    : connectTcp({ host, port });
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}
