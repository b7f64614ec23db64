import type { HandlerRole } from "../../core/transport.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { serverOf } from "./server.ts";

/** Calls an HTTP endpoint. */
export const httpHandler: HandlerRole<HttpHandlerConfig> = {
  permissions: (config) => ({ net: [endpointHost(config)], env: [] }),
  describe: ({ method, url }) => `${method} ${withoutQuery(url)}`,
  async check(config) {
    const { checkEndpoint } = await import("./check.ts");
    return await checkEndpoint(serverOf(new URL(config.url)));
  },
  async open(config, context) {
    const { HttpHandler } = await import("./handler.ts");
    return new HttpHandler(config, context);
  },
};

function endpointHost({ url }: HttpHandlerConfig): string {
  const { hostname, port } = serverOf(new URL(url));
  return `${hostname}:${port}`;
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
