import type { Bytes } from "../../../src/core/event.ts";

/** A call as the endpoint got it. */
export interface Call {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** An HTTP endpoint on a free port of the loopback interface. */
export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly calls: readonly Call[];
  /** Ends it at once, as if its process were killed: connections are closed, whatever is under way. */
  kill(): Promise<void>;
}

/** What the endpoint answers with; the n-th call is number n, from 0. */
export type Respond = (call: Call, number: number) => Response | Promise<Response>;

/** Sends the body back. */
export function echo({ body }: Call): Response {
  return new Response(body);
}

/** How an endpoint differs from others. */
export interface EndpointOptions {
  readonly port?: number;
  /** Its URL is an https:// one, which names `localhost`. */
  readonly tls?: Deno.TlsCertifiedKeyPem;
  /** Whether `calls` have their bodies. Gigabytes of them are too many to keep. */
  readonly keepsBodies?: boolean;
}

/** Starts an endpoint that keeps every call it gets. */
export function startEndpoint(
  respond: Respond = echo,
  { port = 0, tls, keepsBodies = true }: EndpointOptions = {},
): Endpoint {
  const calls: Call[] = [];
  const closing = Promise.withResolvers<void>();
  const killing = new AbortController();
  const refusal = () => closing.promise.then(() => new Response(null, { status: 503 }));
  const server = Deno.serve(
    { port, hostname: "127.0.0.1", signal: killing.signal, onListen() {}, ...tls },
    async (request) => {
      const call: Call = {
        method: request.method,
        url: request.url,
        path: new URL(request.url).pathname,
        headers: request.headers,
        body: new Uint8Array(await request.arrayBuffer()),
      };
      const number = calls.push(keepsBodies ? call : { ...call, body: new Uint8Array() }) - 1;
      // Calls that are meant to hang end with the endpoint.
      return await Promise.race([respond(call, number), refusal()]);
    },
  );
  const host = `127.0.0.1:${server.addr.port}`;
  return {
    url: tls === undefined ? `http://${host}/` : `https://localhost:${server.addr.port}/`,
    host,
    calls,
    // While it shuts down it takes calls that nobody answers (Deno 2.6.8).
    async kill() {
      killing.abort();
      await server.finished;
    },
    // A shutdown would wait for bodies that never end.
    async [Symbol.asyncDispose]() {
      if (killing.signal.aborted) return;
      closing.resolve();
      const { promise: deadline, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, 1000);
      await Promise.race([server.shutdown(), deadline]);
      clearTimeout(timer);
    },
  };
}

/**
 * A port on which nothing listens, as of now. It is none of those that systems give to outgoing connections: a client
 * that keeps trying to connect to one of these can end up connected to itself.
 */
export function unusedPort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ port, hostname: "127.0.0.1" }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
