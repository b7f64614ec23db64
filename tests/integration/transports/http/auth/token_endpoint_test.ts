import { assertEquals } from "@std/assert";
import { HttpTokenEndpoint } from "../../../../../src/transports/oauth2/token_endpoint.ts";

const NEVER = new AbortController().signal;

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`HttpTokenEndpoint reaches a server at localhost that listens at ${hostname} only`, async () => {
    const hosts: (string | null)[] = [];
    await using server = Deno.serve({ hostname, port: 0, onListen() {} }, ({ headers }) => {
      hosts.push(headers.get("host"));
      return Response.json({ access_token: "t" });
    });
    const host = `localhost:${server.addr.port}`;
    using tokens = new HttpTokenEndpoint({
      tokenEndpoint: `http://${host}/token`,
      grant: "clientCredentials",
      clientId: "eventor",
      clientAuthentication: { method: "basic", clientSecret: "secret" },
      parameters: [],
    });

    assertEquals(await tokens.request(undefined, NEVER), { accessToken: "t" });

    assertEquals(hosts, [host]);
  });
}
