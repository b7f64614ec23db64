import { HttpHandler } from "../../../src/transports/http/handler.ts";
import { httpHandlerSchema } from "../../../src/transports/http/config.ts";
import type { TemplateText } from "../../../src/schema/texts.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { RecordedLog } from "../recorded_log.ts";

/** A handler for the endpoint at `url`; `keys` are those of its section. */
export function openHandler(
  url: string | TemplateText,
  { log = new RecordedLog(), ...keys }: { log?: RecordedLog; [key: string]: unknown } = {},
): HttpHandler {
  const config = httpHandlerSchema.parse({ type: "http", url, ...keys });
  return new HttpHandler(config, { pipeline: "orders", log: log.log, limits: DEFAULT_LIMITS });
}
