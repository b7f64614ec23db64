/**
 * A process that calls an endpoint twenty times, and writes a summary of each call, then by how many MiB its peak memory
 * has grown. Files of tests share a process, so its memory would not tell about one of them.
 *
 * @module
 */
import { anEvent } from "../events.ts";
import { openHandler } from "./handler.ts";

const CALLS = 20;
const NEVER = new AbortController().signal;
const [url = ""] = Deno.args;

await using handler = openHandler(url);
const beforeKiB = await peakKiB();
for (let call = 0; call < CALLS; call++) {
  const { summary } = await handler.handle(anEvent(), NEVER);
  await write(summary);
}
await write(`${Math.round((await peakKiB() - beforeKiB) / 1024)}`);

async function peakKiB(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

async function write(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}
