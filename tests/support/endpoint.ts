import type { Bytes } from "../../src/event.ts";

/** A call as the endpoint got it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** An HTTP endpoint on a free port of the loopback interface. */
export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly calls: readonly Call[];
}

/** What the endpoint answers with; the n-th call is number n, from 0. */
export type Respond = (call: Call, number: number) => Response | Promise<Response>;

/** Sends the body back. */
export function echo({ body }: Call): Response {
  return new Response(body);
}

/** Starts an endpoint that keeps every call it gets. */
export function startEndpoint(
  respond: Respond = echo,
  { port = 0 }: { port?: number } = {},
): Endpoint {
  const calls: Call[] = [];
  const server = Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const call: Call = {
      method: request.method,
      path: new URL(request.url).pathname,
      headers: request.headers,
      body: new Uint8Array(await request.arrayBuffer()),
    };
    const number = calls.push(call) - 1;
    return await respond(call, number);
  });
  const host = `127.0.0.1:${server.addr.port}`;
  return {
    url: `http://${host}/`,
    host,
    calls,
    // A shutdown would wait for calls that are meant to hang.
    async [Symbol.asyncDispose]() {
      const { promise: deadline, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, 1000);
      await Promise.race([server.shutdown(), deadline]);
      clearTimeout(timer);
    },
  };
}

/** A port on which nothing listens, as of now. */
export function unusedPort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  return port;
}
