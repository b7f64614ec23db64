import type { ListenerRole, ResultProcessorRole } from "../../core/transport.ts";
import type { StdinListenerConfig, StdoutConfig } from "./config.ts";
import { lineOrigin } from "./lines.ts";

const NOTHING = { net: [], env: [] };

/** Reads events from standard input, which only one pipeline can do. */
export const stdinListener: ListenerRole<StdinListenerConfig> = {
  promises: { resumable: false, acknowledges: "each", keepsOrder: true, identifies: true },
  facts: ["topic", "offset"],
  firstOrigin: (_config, timestampMs) => lineOrigin(0, timestampMs),
  exclusive: "standard input",
  permissions: () => NOTHING,
  describe: ({ format }) => `standard input, one event a line (${format})`,
  async open(config, { limits }) {
    const { StdinListener } = await import("./listener.ts");
    return new StdinListener(config, Deno.stdin.readable, limits);
  },
};

/** Writes results to standard output. */
export const stdoutResultProcessor: ResultProcessorRole<StdoutConfig> = {
  permissions: () => NOTHING,
  describe: ({ format }) => `standard output, one result a line (${format})`,
  async open(config) {
    const { StdoutResultProcessor } = await import("./result_processor.ts");
    return new StdoutResultProcessor(config, (bytes) => Deno.stdout.write(bytes));
  },
};
