/**
 * A process that supervises one pipeline, whose name says how its Worker misbehaves, and exits as eventor does when it
 * ends: a thread that hangs cannot be stopped, so no test can have it in its own process.
 *
 * @module
 */
import { pipelineSchema } from "../../../src/config/schema.ts";
import { Supervised } from "./supervised.ts";

const [name = ""] = Deno.args;
const pipeline = pipelineSchema.parse({
  name,
  eventListener: { type: "stdin" },
  eventHandler: { type: "http", url: "http://127.0.0.1:1/" },
});
const supervised = new Supervised([pipeline], {
  workerUrl: new URL("./misbehaving_worker.ts", import.meta.url),
  maxMissedSigns: 2,
});
const end = await supervised.end;
const lines = supervised.log.lines.join("\n");
const reasons = supervised.readiness.flatMap(({ reasons }) => reasons).join();
await Deno.stdout.write(
  new TextEncoder().encode(`${lines}\nend: ${end}\nnot ready: ${reasons}\n`),
);
Deno.exit(end === "ended" ? 0 : 1);
