/**
 * A Worker of the tests: connects as it is told, and says what came of it.
 *
 * @module
 */
import { openConnection } from "../../src/transports/sockets/open_connection.ts";
import type { ConnectOrder } from "./connecting.ts";

self.onmessage = async ({ data }: MessageEvent<ConnectOrder>) => {
  self.postMessage(await resultOf(data));
};

async function resultOf({ host, port, timeoutMs }: ConnectOrder): Promise<string> {
  try {
    const connection = await openConnection({ host, port }, AbortSignal.timeout(timeoutMs));
    const { hostname } = connection.remoteAddr;
    connection.close();
    return hostname;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
