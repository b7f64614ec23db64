// deno-lint-ignore-file no-console
/**
 * `deno run -A --frozen --config deno.json main.ts`: an OAuth 2.0 server, configured by the first line of its standard
 * input and told what to do by the others; what comes of each is a line of its output. It has a configuration of its own
 * because the executable would hold whatever the program's own names. Ends with its input.
 *
 * @module
 */
import http from "node:http";
import https from "node:https";
import type { Command, Served, ServerConfig, SignedTokens, TokenRequest } from "./protocol.ts";

/** As much of the package as is used here; it has no types. */
interface Provider {
  readonly Client: { find(id: string): Promise<unknown> };
  readonly Grant: new (properties: Record<string, unknown>) => {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  };
  readonly RefreshToken: new (properties: Record<string, unknown>) => { save(): Promise<string> };
  proxy: boolean;
  use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
  callback(): (request: http.IncomingMessage, response: http.ServerResponse) => void;
}

interface Context {
  readonly path: string;
  readonly status: number;
  readonly oidc?: { readonly params?: { readonly "grant_type"?: string } };
}

type ProviderClass = new (issuer: string, configuration: Record<string, unknown>) => Provider;

const requests: TokenRequest[] = [];

async function serve(
  { port, lifetimeS, clients, tls, signedTokens }: ServerConfig,
): Promise<Provider> {
  // The compiler must not look for it in the program's own configuration.
  const name = "oidc-provider";
  const { default: OidcProvider }: { default: ProviderClass } = await import(name);
  const server = tls === undefined
    ? http.createServer()
    : https.createServer({ cert: tls.cert, key: tls.key });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = Object(server.address()).port;
  const issuer = tls === undefined ? `http://127.0.0.1:${bound}` : `https://localhost:${bound}`;
  const provider = new OidcProvider(issuer, {
    clients,
    clientDefaults: { "id_token_signed_response_alg": "ES256" },
    scopes: ["openid", "offline_access", "orders"],
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: signedTokens === undefined
        ? { enabled: false }
        : resourceOf(signedTokens, lifetimeS),
    },
    rotateRefreshToken: true,
    ttl: { ClientCredentials: lifetimeS, AccessToken: lifetimeS, RefreshToken: 3600, Grant: 3600 },
    findAccount: (_: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId }),
    }),
    jwks: { keys: [signedTokens === undefined ? await signingKey() : signedTokens.key] },
    cookies: { keys: ["only for tests"] },
  });
  provider.use(async (context, next) => {
    const atMs = Date.now();
    await next();
    if (context.path !== "/token") return;
    const grant = context.oidc?.params?.["grant_type"] ?? "";
    requests.push({ atMs, grant, status: context.status });
  });
  server.on("request", provider.callback());
  say({ issuer });
  return provider;
}

/** One resource, which every token is for. */
function resourceOf({ audience, scope }: SignedTokens, lifetimeS: number) {
  return {
    enabled: true,
    defaultResource: () => `urn:${audience}`,
    getResourceServerInfo: () => ({
      audience,
      scope,
      accessTokenFormat: "jwt",
      accessTokenTTL: lifetimeS,
      jwt: { sign: { alg: "ES256" } },
    }),
  };
}

async function signingKey(): Promise<JsonWebKey & { use: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", privateKey);
  return { kty, crv, x, y, d, use: "sig" } as JsonWebKey & { use: string };
}

/** A refresh token as if somebody had signed in. */
async function refreshToken(provider: Provider, clientId: string): Promise<string> {
  const scope = "openid offline_access";
  const accountId = "somebody";
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const client = await provider.Client.find(clientId);
  const gty = "authorization_code";
  return await new provider.RefreshToken({ client, accountId, grantId, scope, gty }).save();
}

function say(served: Served): void {
  console.log(JSON.stringify(served));
}

async function main(): Promise<void> {
  // The package says something of itself, which is no answer.
  console.info = console.error;
  let provider: Provider | undefined;
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (provider === undefined) {
        provider = await serve(JSON.parse(line));
        continue;
      }
      const command: Command = JSON.parse(line);
      if (command.kind === "requests") say({ requests });
      else say({ refreshToken: await refreshToken(provider, command.clientId) });
    }
  }
  Deno.exit(0);
}

await main();
