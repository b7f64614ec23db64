/**
 * Runs `oidc-provider` until it is ended: an authorization server whose tokens are signed texts (JWT).
 *
 * @module
 */
import { createServer } from "node:http";
import Provider from "oidc-provider";
import type { TokenServerOptions } from "./token_server.ts";

const { port, clientId, clientSecret, audience, lifetimeSeconds, key }: TokenServerOptions = JSON
  .parse(Deno.args[0] ?? "");

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
  }],
  jwks: { keys: [key] },
  scopes: ["kafka"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => `urn:${audience}`,
      getResourceServerInfo: () => ({
        scope: "kafka",
        audience,
        accessTokenFormat: "jwt",
        accessTokenTTL: lifetimeSeconds,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
createServer(provider.callback()).listen(port, "127.0.0.1", () => {
  Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
});
