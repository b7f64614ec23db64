import { assert, assertEquals } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import { eventually } from "../support/eventually.ts";
import { Supervised } from "../support/workers/supervised.ts";

const REPORTING = new URL("../support/workers/reporting_worker.ts", import.meta.url);
const BROKEN = new URL("../support/workers/broken_worker.ts", import.meta.url);

Deno.test("Supervisor.change() tells the Worker of a pipeline that it can go over to while it works", async () => {
  await using supervised = new Supervised([to("one")], { workerUrl: REPORTING });
  await supervised.log.line(/told to start/);
  assert(supervised.change(to("two"), "update"));
  await supervised.log.line(/told to update http:\/\/127.0.0.1:1\/two$/);
  assertEquals(supervised.log.matching(/told to (start|stop)/).length, 1);
});

Deno.test("Supervisor.change() has one Worker at a time, the next one with the last configuration", async () => {
  await using supervised = new Supervised([to("one")], { workerUrl: REPORTING });
  await supervised.log.line(/told to start/);
  assert(supervised.change(to("two"), "restart"));
  await supervised.log.line(/told to stop/);
  assert(supervised.change(to("three"), "update"));
  assert(supervised.change(to("four"), "restart"));

  await supervised.log.line(/told to start/, { count: 2 });
  assertEquals(supervised.log.matching(/told to/), [
    "INFO - told to start http://127.0.0.1:1/one",
    "INFO - told to stop",
    "INFO - told to start http://127.0.0.1:1/four",
  ]);
});

Deno.test("Supervisor.change() does not start a pipeline that is being stopped", async () => {
  await using supervised = new Supervised([to("one")], { workerUrl: REPORTING });
  await supervised.log.line(/told to start/);
  supervised.change(to("two"), "restart");
  supervised.stop();
  assertEquals(await supervised.end, "ended");
  assertEquals(supervised.log.matching(/told to start/).length, 1);
});

Deno.test("Supervisor.change() says when a pipeline has ended for good", async () => {
  await using supervised = new Supervised([to("one")], { workerUrl: BROKEN });
  assertEquals(await supervised.end, "failed");
  await eventually(() => !supervised.change(to("two"), "restart"), { what: "its end" });
});

function to(path: string): PipelineConfig {
  return pipelineSchema.parse({
    name: "orders",
    eventListener: { type: "stdin" },
    eventHandler: { type: "http", url: `http://127.0.0.1:1/${path}` },
  });
}
