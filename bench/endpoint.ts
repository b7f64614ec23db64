/**
 * `deno run --allow-net bench/endpoint.ts LATENCY_MS [FAILING_SHARE]`: sends each request's body back after so many
 * milliseconds, and prints its port. Answers such a share of the calls, by chance, by 500 instead. Never answers when the
 * body begins with an `h`. A process of its own, so that its work is not counted as eventor's.
 *
 * @module
 */
import { seededRandom } from "../tests/support/seeded_random.ts";

const latencyMs = Number(Deno.args[0] ?? 0);
const failingShare = Number(Deno.args[1] ?? 0);
const random = seededRandom(1);

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

const respond = latencyMs === 0 ? respondAtOnce : respondLater;

async function respondOrFail(request: Request): Promise<Response> {
  const response = await respond(request);
  return random() < failingShare ? new Response(null, { status: 500 }) : response;
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${port}\n`));
  },
}, failingShare === 0 ? respond : respondOrFail);
