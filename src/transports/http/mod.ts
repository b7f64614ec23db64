import type { HandlerRole } from "../../core/transport.ts";
import type { HttpHandlerConfig } from "./config.ts";
import { serverOf } from "./server.ts";
import { withoutQuery } from "./url_template.ts";

/** Calls an HTTP endpoint. */
export const httpHandler: HandlerRole<HttpHandlerConfig> = {
  permissions: (config) => ({ net: [endpointHost(config)], env: [] }),
  describe: (config) => `${config.method} ${withoutQuery(config)}`,
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
