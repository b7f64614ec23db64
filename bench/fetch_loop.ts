/**
 * `deno run --allow-all bench/fetch_loop.ts URL SECONDS CONCURRENCY`: calls as fast as `fetch` does,
 * and prints `{"perSecond", "cpuMicros", "maxRssMb"}`. The most that a pipeline could reach if everything but the call
 * were free.
 *
 * @module
 */
import { processUsage } from "./process_usage.ts";

const [url = "", seconds = "10", concurrency = "64"] = Deno.args;
const WARM_UP_SHARE = 0.2;
const body = new Uint8Array(256).fill(0x78);
const client = Deno.createHttpClient({ http1: true, http2: false });

let calls = 0;
let running = true;

async function callAgainAndAgain(): Promise<void> {
  while (running) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/text" },
      body,
      client,
    });
    await response.arrayBuffer();
    calls++;
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const loops = Array.from({ length: Number(concurrency) }, callAgainAndAgain);
await sleep(Number(seconds) * 1000 * WARM_UP_SHARE);
const before = { calls, at: performance.now(), usage: await processUsage("self") };
await sleep(Number(seconds) * 1000);
const after = { calls, at: performance.now(), usage: await processUsage("self") };
running = false;
await Promise.all(loops);
client.close();

const made = after.calls - before.calls;
const figures = {
  perSecond: made / ((after.at - before.at) / 1000),
  cpuMicros: (after.usage.cpuMicros - before.usage.cpuMicros) / made,
  maxRssMb: after.usage.rssMb,
};
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(figures)));
