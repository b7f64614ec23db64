/**
 * A sample endpoint: it prints each request and sends its body back.
 *
 *     deno run --allow-net tools/http_server.ts [--port 8080]
 */
import { parseArgs } from "node:util";

/** A running sample endpoint. */
export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Starts the sample endpoint on 127.0.0.1; port 0 stands for any free one. Throws when the port is taken. */
export function startHttpServer(
  { port = 8080, write = writeToStdout }: { port?: number; write?: (text: string) => void } = {},
): HttpServer {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    (request) => echo(request, write),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function echo(request: Request, write: (text: string) => void): Promise<Response> {
  const body = await request.bytes();
  const headers = [...request.headers].map(([name, value]) => `${name}: ${value}\n`).join("");
  // One write for each request, so that requests at the same time do not mix.
  write(
    "---------------------- request ----------------------\n" +
      `${headers}\n${new TextDecoder().decode(body)}\n`,
  );
  const contentType = request.headers.get("content-type");
  return new Response(body, {
    status: 200,
    headers: {
      ...(contentType === null ? {} : { "content-type": contentType }),
      // Deno would compress the body for a client that accepts that.
      "cache-control": "no-transform",
    },
  });
}

function writeToStdout(text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}

function listen(port: number): HttpServer {
  try {
    return startHttpServer({ port });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Error(
      `port ${port} of 127.0.0.1 is taken: stop what listens there, or choose another port with --port`,
    );
  }
}

function main(): void {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8080" } } });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`--port is ${values.port}: give a number from 0 to 65535`);
  }
  writeToStdout(`Listening on port ${listen(port).port}...\n`);
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`http_server: ${message}\n`));
    Deno.exit(1);
  }
}
