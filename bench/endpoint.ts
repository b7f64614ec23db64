/**
 * `deno run --allow-net bench/endpoint.ts LATENCY_MS`: sends each request's body back after so many milliseconds, and
 * prints its port. Never answers when the body begins with an `h`. A process of its own, so that its work is not counted
 * as eventor's.
 *
 * @module
 */
const latencyMs = Number(Deno.args[0] ?? 0);

const HANGS = "h".charCodeAt(0);
const never = new Promise<never>(() => {});

async function respondAtOnce(request: Request): Promise<Response> {
  const body = await request.bytes();
  if (body[0] === HANGS) await never;
  return new Response(body);
}

async function respondLater(request: Request): Promise<Response> {
  const body = await request.bytes();
  if (body[0] === HANGS) await never;
  await new Promise((resolve) => setTimeout(resolve, latencyMs));
  return new Response(body);
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${port}\n`));
  },
}, latencyMs === 0 ? respondAtOnce : respondLater);
