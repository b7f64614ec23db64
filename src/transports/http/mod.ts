import { withoutQuery } from "../../schema/url.ts";
import type { Handler } from "../../core/handler.ts";
import type { HandlerRole, OpenContext, RoleContext } from "../../core/transport.ts";
import type { HttpHandlerConfig } from "./config.ts";
import type { MakeTokens } from "./renewable_handler.ts";
import { hostOf } from "../http1/server.ts";

/** Calls an HTTP endpoint. */
export const httpHandler: HandlerRole<HttpHandlerConfig> = {
  permissions: (config) => ({ net: hosts(config), env: [] }),
  describe: (config) =>
    `${config.method} ${withoutQuery(config.url, config.shownUrl)}${describeAuth(config)}`,
  async check(config, context) {
    const { checkEndpoint } = await import("./check.ts");
    const problems = await checkEndpoint(config);
    return [...problems, ...await checkTokens(config, context)];
  },
  async open(config, context) {
    if (!isRenewable(config)) {
      const { HttpHandler } = await import("./handler.ts");
      return await trusted(new HttpHandler(config, context), config, context);
    }
    const { RenewableHandler } = await import("./renewable_handler.ts");
    const makeTokens = await tokenMaker(config, context);
    return await trusted(new RenewableHandler(config, context, { makeTokens }), config, context);
  },
  canUpdate(from, to) {
    const { auth, tls, ...others } = to;
    const { auth: formerAuth, tls: formerTls, ...formerOthers } = from;
    return isRenewable(from) && auth?.type === formerAuth?.type &&
      (tls === undefined) === (formerTls === undefined) &&
      JSON.stringify(others) === JSON.stringify(formerOthers);
  },
};

function hosts({ url, auth }: HttpHandlerConfig): string[] {
  const urls = auth?.type === "oauth2" ? [url, auth.tokenEndpoint] : [url];
  return [...new Set(urls.map(hostOf))];
}

function describeAuth({ auth }: HttpHandlerConfig): string {
  if (auth === undefined) return "";
  return auth.type === "oauth2"
    ? `, with a token of ${
      withoutQuery(auth.tokenEndpoint, auth.shownTokenEndpoint)
    } (oauth2, ${auth.grant})`
    : `, with credentials (${auth.type})`;
}

/** Whether credentials or certificates can change without a restart. */
function isRenewable({ auth, tls }: HttpHandlerConfig): boolean {
  return auth !== undefined || tls !== undefined;
}

async function tokenMaker({ auth }: HttpHandlerConfig, { log }: RoleContext): Promise<MakeTokens> {
  if (auth?.type !== "oauth2") return () => undefined;
  const { TokenSource } = await import("../oauth2/token_source.ts");
  return ({ auth }, former) =>
    auth?.type === "oauth2" ? new TokenSource(auth, { log, former }) : undefined;
}

async function checkTokens(config: HttpHandlerConfig, context: RoleContext): Promise<string[]> {
  // Some servers accept each refresh token once: the check would use it up.
  if (config.auth?.type === "oauth2" && config.auth.grant === "refreshToken") return [];
  const makeTokens = await tokenMaker(config, context);
  using tokens = makeTokens(config);
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
  { log, health, observer }: OpenContext,
): Promise<Handler> {
  const showsWhoCalls = config.auth !== undefined;
  // `eventor try` makes one call, and shows its outcome itself.
  if (observer !== undefined) return handler;
  if (!showsWhoCalls && !config.url.startsWith("https:")) return handler;
  const { TrustGate } = await import("./trust_gate.ts");
  const { TrustedHandler } = await import("./trusted_handler.ts");
  return new TrustedHandler(handler, { gate: new TrustGate({ log, health }), showsWhoCalls });
}
