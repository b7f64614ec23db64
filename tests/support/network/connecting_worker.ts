/**
 * A Worker of the tests: connects as it is told, and says what came of it.
 *
 * @module
 */
import { connectToAddress, resolve } from "../../../src/transports/sockets/address_of_name.ts";
import { openConnection } from "../../../src/transports/sockets/open_connection.ts";
import type { ConnectOrder } from "./connecting.ts";

self.onmessage = async ({ data }: MessageEvent<ConnectOrder>) => {
  self.postMessage(await resultOf(data));
};

async function resultOf(order: ConnectOrder): Promise<string> {
  try {
    const connection = await connect(order, AbortSignal.timeout(order.timeoutMs));
    const { hostname } = connection.remoteAddr;
    if (!order.keepsOpen) connection.close();
    return hostname;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function connect(
  { host, port, instead }: ConnectOrder,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  if (instead === undefined) return await openConnection({ host, port }, signal);
  const { token } = await resolve({ host, port });
  const target = { host: instead.address, port: instead.isOtherPort ? port + 1 : port };
  return await connectToAddress(target, token);
}
