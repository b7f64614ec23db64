import type { Handler } from "../../core/handler.ts";
import type { HandlerRole, OpenContext, RoleContext } from "../../core/transport.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { serverOf } from "./server.ts";
import { withoutQuery } from "./url_template.ts";

/** Calls an HTTP endpoint. */
export const httpHandler: HandlerRole<HttpHandlerConfig> = {
  permissions: (config) => ({ net: hosts(config), env: [] }),
  describe: (config) => `${config.method} ${withoutQuery(config)}${describeAuth(config)}`,
  async check(config, context) {
    const { checkEndpoint } = await import("./check.ts");
    const problems = await checkEndpoint(config);
    return [...problems, ...await checkTokens(config, context)];
  },
  async open(config, context) {
    const { HttpHandler } = await import("./handler.ts");
    const tokens = await tokensFor(config, context);
    return await trusted(new HttpHandler(config, context, { tokens }), config, context);
  },
};

function hosts({ url, auth }: HttpHandlerConfig): string[] {
  const urls = auth?.type === "oauth2" ? [url, auth.tokenEndpoint] : [url];
  return [
    ...new Set(urls.map((url) => {
      const { hostname, port } = serverOf(new URL(url));
      return `${hostname}:${port}`;
    })),
  ];
}

function describeAuth({ auth }: HttpHandlerConfig): string {
  if (auth === undefined) return "";
  return auth.type === "oauth2"
    ? `, with a token of ${auth.tokenEndpoint.replace(/\?.*$/s, "")} (oauth2, ${auth.grant})`
    : `, with credentials (${auth.type})`;
}

async function tokensFor({ auth }: HttpHandlerConfig, { log }: RoleContext) {
  if (auth?.type !== "oauth2") return undefined;
  const { TokenSource } = await import("../oauth2/token_source.ts");
  return new TokenSource(auth, { log });
}

async function checkTokens(config: HttpHandlerConfig, context: RoleContext): Promise<string[]> {
  // It would use up the refresh token where each is good for one request.
  if (config.auth?.type === "oauth2" && config.auth.grant === "refreshToken") return [];
  using tokens = await tokensFor(config, context);
  try {
    await tokens?.token(new AbortController().signal);
    return [];
  } catch (error) {
    return [`cannot get a token: ${error instanceof Error ? error.message : "unknown failure"}`];
  }
}

async function trusted(
  handler: Handler,
  config: HttpHandlerConfig,
  { log, health }: OpenContext,
): Promise<Handler> {
  const showsWhoCalls = config.auth !== undefined;
  if (!showsWhoCalls && !config.url.startsWith("https:")) return handler;
  const { TrustGate } = await import("./trust_gate.ts");
  const { TrustedHandler } = await import("./trusted_handler.ts");
  return new TrustedHandler(handler, { gate: new TrustGate({ log, health }), showsWhoCalls });
}
