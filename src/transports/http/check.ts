/** Connects to the endpoint without sending anything: a request could have an effect. */
export async function checkEndpoint(host: string): Promise<string[]> {
  const separator = host.lastIndexOf(":");
  const hostname = host.slice(0, separator).replaceAll(/[[\]]/g, "");
  try {
    const connection = await Deno.connect({ hostname, port: Number(host.slice(separator + 1)) });
    connection.close();
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown failure";
    return [`cannot connect to endpoint ${host}: ${reason}; start it or correct eventHandler.url`];
  }
}
