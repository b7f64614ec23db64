import type { Socket } from "node:net";
import { openSocket as openSocketTo } from "../../sockets/open_connection.ts";
import type { Server } from "../server.ts";

/** Begins to connect, without TLS. */
export function openSocket({ hostname, port }: Server): Socket {
  return openSocketTo({ host: hostname.replaceAll(/[[\]]/g, ""), port });
}
