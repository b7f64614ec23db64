import { fileURLToPath } from "node:url";
import type { Bench, Figures } from "./scenario.ts";

const script = fileURLToPath(new URL("./fetch_loop.ts", import.meta.url));

/** Calls the endpoint as fast as `fetch` does, from a process without Kafka. */
export async function runBareLoop(bench: Bench): Promise<Figures> {
  const url = await bench.endpoint({ latencyMs: 0 });
  const seconds = bench.options.short ? 1 : 10;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, url, `${seconds}`, "64"],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`the bare fetch loop failed:\n${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout));
}
