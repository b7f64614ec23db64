import { atMost } from "../../backoff.ts";

const DEADLINE_MS = 5000;

/** Connects to the endpoint without sending anything: a request could have an effect. */
export async function checkEndpoint(host: string): Promise<string[]> {
  const separator = host.lastIndexOf(":");
  const hostname = host.slice(0, separator).replaceAll(/[[\]]/g, "");
  try {
    const connecting = Deno.connect({ hostname, port: Number(host.slice(separator + 1)) });
    const connection = await atMost(connecting, DEADLINE_MS);
    if (!connection) throw new Error(`no answer within ${DEADLINE_MS / 1000} s`);
    connection.close();
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown failure";
    return [`cannot connect to endpoint ${host}: ${reason}; start it or correct eventHandler.url`];
  }
}
