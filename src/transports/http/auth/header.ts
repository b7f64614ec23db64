import { Buffer } from "node:buffer";
import type { AuthConfig } from "./config.ts";

/** The header with credentials, if it is the same in all requests. */
export function constantAuthHeader(
  auth: AuthConfig | undefined,
): readonly [name: string, value: string] | undefined {
  switch (auth?.type) {
    case "basic": {
      const credentials = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
      return ["authorization", `Basic ${credentials}`];
    }
    case "bearer":
      return ["authorization", `Bearer ${auth.token}`];
    case "apiKey":
      return [auth.header, auth.key];
    case "oauth2":
    case undefined:
      return undefined;
  }
}
