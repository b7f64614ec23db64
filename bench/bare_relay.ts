import { fileURLToPath } from "node:url";
import { V8_FLAGS } from "../tools/compile.ts";
import { GuardedChild } from "./guarded_child.ts";
import { processUsage } from "./process_usage.ts";
import type { Bench } from "./scenario.ts";
import type { Topics } from "./topics.ts";
import type { Relay } from "./latency.ts";

const script = fileURLToPath(new URL("./relay_loop.ts", import.meta.url));

/** Does no more than the input and output of a pipeline, one event after the other, in a process of its own. */
export async function startBareRelay(bench: Bench, topics: Topics): Promise<Relay> {
  const url = await bench.endpoint({ latencyMs: 0 });
  const child = new GuardedChild(Deno.execPath(), {
    args: [
      "run",
      `--v8-flags=${V8_FLAGS.join(",")}`,
      "--allow-all",
      script,
      bench.broker,
      topics.events,
      topics.results,
      url,
    ],
    stdout: "null",
    stderr: "inherit",
  });
  return {
    usage: () => processUsage(child.process.pid),
    logEnd: "what it says is above",
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
