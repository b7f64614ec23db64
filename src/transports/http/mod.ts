import type { HandlerRole } from "../../transport.ts";
import type { HttpHandlerConfig } from "./config.ts";

/** Calls an HTTP endpoint. */
export const httpHandler: HandlerRole<HttpHandlerConfig> = {
  permissions: (config) => ({ net: [endpointHost(config)], env: [] }),
  describe: ({ method, url }) => `${method} ${withoutQuery(url)}`,
  async check(config) {
    const [{ checkEndpoint }, { serverOf }] = await Promise.all([
      import("./check.ts"),
      import("./server.ts"),
    ]);
    return await checkEndpoint(serverOf(new URL(config.url)));
  },
  async open(config, context) {
    const { HttpHandler } = await import("./handler.ts");
    return new HttpHandler(config, context);
  },
};

function endpointHost({ url }: HttpHandlerConfig): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
