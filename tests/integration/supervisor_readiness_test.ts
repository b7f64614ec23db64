import { assertEquals } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic } from "../support/kafka/broker.ts";
import { aPipeline, Supervised } from "../support/workers/supervised.ts";

const ANSWERING = new URL("../support/workers/answering_worker.ts", import.meta.url);

Deno.test("Supervisor.readiness says that a Worker does not answer, from when the Supervisor is not live", async () => {
  await using supervised = new Supervised([fromStdin("ready")], { workerUrl: ANSWERING });
  await until(supervised, { orders: [] });
  await eventually(() => !supervised.isLive, { deadlineMs: 30_000, what: "it is not live" });
  assertEquals(reasonsOf(supervised), { orders: ["no heartbeat for 11 s"] });
});

Deno.test("Supervisor.readiness takes a pipeline whose input has ended for one that has done its work", async () => {
  await using supervised = new Supervised([
    fromStdin("ends", { name: "lines" }),
    fromStdin("ready"),
  ], { workerUrl: ANSWERING });
  await until(supervised, { lines: [], orders: [] });
  supervised.stop();
  assertEquals(await supervised.end, "ended");
});

Deno.test("Supervisor.readiness says why a pipeline has failed for good", async () => {
  await using supervised = new Supervised([
    fromStdin("fails", { name: "lines" }),
    fromStdin("ready"),
  ], { workerUrl: ANSWERING });
  await until(supervised, { lines: ["it has failed: failed on purpose"], orders: [] });
});

Deno.test("Supervisor.readiness says nothing of a failure before a pipeline goes over to another configuration", async () => {
  const topic = await freshTopic("readiness");
  const to = (path: string) => aPipeline({ topic, url: `http://127.0.0.1:1/${path}` });
  await using supervised = new Supervised([to("fails")], { workerUrl: ANSWERING });
  await until(supervised, { orders: ["it has stopped: failed on purpose"] });

  supervised.change(to("ready"), "restart");
  assertEquals(reasonsOf(supervised), { orders: ["it is starting"] });
  await until(supervised, { orders: [] });

  supervised.change(to("silent"), "restart");
  await eventually(() => reasonsOf(supervised).orders?.length !== 0, { what: "it is not ready" });
  assertEquals(reasonsOf(supervised), { orders: ["it is starting"] });
});

function fromStdin(path: string, { name = "orders" } = {}): PipelineConfig {
  return pipelineSchema.parse({
    name,
    eventListener: { type: "stdin" },
    eventHandler: { type: "http", url: `http://127.0.0.1:1/${path}` },
  });
}

function reasonsOf({ readiness }: Supervised): Record<string, readonly string[]> {
  return Object.fromEntries(readiness.map(({ name, reasons }) => [name, reasons]));
}

async function until(
  supervised: Supervised,
  expected: Record<string, readonly string[]>,
): Promise<void> {
  const isReached = () => JSON.stringify(reasonsOf(supervised)) === JSON.stringify(expected);
  await eventually(isReached, {
    deadlineMs: 30_000,
    what: () => `${JSON.stringify(expected)}; it is ${JSON.stringify(reasonsOf(supervised))}`,
  });
}
