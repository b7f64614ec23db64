import { describeFailure } from "./failure.ts";
import type { Server } from "./server.ts";
import { openSocket } from "./client/socket.ts";

const DEADLINE_MS = 5000;

/** Connects to the endpoint without sending anything: a request could have an effect. */
export async function checkEndpoint(server: Server): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = openSocket(server).on("connect", resolve).on("error", reject);
  const late = Object.assign(new Error("no answer"), { code: "ETIMEDOUT" });
  const deadline = setTimeout(() => reject(late), DEADLINE_MS);
  try {
    await promise;
    return [];
  } catch (error) {
    const reason = describeFailure(error, DEADLINE_MS);
    const endpoint = `${server.hostname}:${server.port}`;
    return [
      `cannot connect to endpoint ${endpoint}: ${reason}; start it or correct eventHandler.url`,
    ];
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}
