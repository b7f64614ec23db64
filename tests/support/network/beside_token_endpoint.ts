/**
 * A program of the tests: runs a command beside an https:// server, which gives tokens at `/token` and answers `ok` to
 * those who show them, in a network where it may have any port.
 *
 * @module
 */

/** Where the server is, and what it shows of itself. */
export interface TokenServer extends Deno.TlsCertifiedKeyPem {
  readonly hostname: string;
  readonly port: number;
}

if (import.meta.main) {
  const [server = "", command = "", ...args] = Deno.args;
  const { hostname, port, cert, key }: TokenServer = JSON.parse(server);
  Deno.serve({ hostname, port, cert, key, onListen() {} }, ({ url, headers }) => {
    if (new URL(url).pathname === "/token") return Response.json({ access_token: "t" });
    const isShown = headers.get("authorization") === "Bearer t";
    return new Response("ok", { status: isShown ? 200 : 401 });
  });
  const { code } = await new Deno.Command(command, { args }).spawn().status;
  Deno.exit(code);
}
