/**
 * A port below those that systems give to outgoing connections. From among those, a client that keeps trying to reach
 * a broker that is down can be given the broker's port: it then talks to itself, and the broker cannot come back.
 *
 * @param taken a port that is free and not to be chosen
 */
export function freePort(taken?: number): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (port !== taken && isFree(port)) return port;
  }
}

/** @throws {Error} when something listens at the port */
export function assertFree(port: number): void {
  if (isFree(port)) return;
  throw new Error(
    `port ${port} of 127.0.0.1 is taken: stop what listens there, be it another broker, or choose another port`,
  );
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
