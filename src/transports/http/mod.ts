import { withoutQuery } from "../../schema/url.ts";
import type { HandlerRole, RoleContext } from "../../core/transport.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { hostOf } from "../http1/server.ts";
import type { TokenSource } from "../oauth2/token_source.ts";

/** Calls an HTTP endpoint. */
export const httpHandler: HandlerRole<HttpHandlerConfig> = {
  permissions: (config) => ({ net: hosts(config), env: [] }),
  describe: (config) =>
    `${config.method} ${withoutQuery(config.url, config.redactedUrl)}${describeAuth(config)}`,
  async check(config, context) {
    const { checkEndpoint } = await import("./check.ts");
    const problems = await checkEndpoint(config);
    return [...problems, ...await checkTokens(config, context)];
  },
  async open(config, context) {
    const { HttpHandler } = await import("./handler.ts");
    const tokens = await tokenSource(config, context);
    return new HttpHandler(config, context, { tokens });
  },
  canUpdate({ auth: former, ...others }, { auth, ...laterOthers }) {
    return auth?.type === former?.type && JSON.stringify(others) === JSON.stringify(laterOthers);
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
      withoutQuery(auth.tokenEndpoint, auth.redactedTokenEndpoint)
    } (oauth2, ${auth.grant})`
    : `, with credentials (${auth.type})`;
}

async function tokenSource(
  { auth }: HttpHandlerConfig,
  { log }: RoleContext,
): Promise<TokenSource | undefined> {
  if (auth?.type !== "oauth2") return undefined;
  const { TokenSource } = await import("../oauth2/token_source.ts");
  return new TokenSource(auth, { log });
}

async function checkTokens(config: HttpHandlerConfig, context: RoleContext): Promise<string[]> {
  // Some servers accept each refresh token once: the check would use it up.
  if (config.auth?.type === "oauth2" && config.auth.grant === "refreshToken") return [];
  using tokens = await tokenSource(config, context);
  try {
    await tokens?.token(new AbortController().signal);
    return [];
  } catch (error) {
    return [`cannot get a token: ${error instanceof Error ? error.message : "unknown failure"}`];
  }
}
