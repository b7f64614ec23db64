import { assertEquals } from "@std/assert";
import { startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets, freshTopic, produce } from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

Deno.test("a member that is stopped commits what it finishes after another has left the group", async () => {
  const topic = await freshTopic("stop-in-rebalance", { partitions: 2 });
  const released = Promise.withResolvers<void>();
  await using endpoint = startEndpoint(async ({ path }) => {
    if (path === "/stopped") await released.promise;
    return new Response("done");
  });
  const start = (name: string) =>
    new EventorProcess(kafkaPipeline({
      name,
      topic,
      url: `${endpoint.url}${name}`,
      logLevel: "INFO",
      consumerConfig: { "heartbeat.interval.ms": 300 },
    }));
  const calls = () => endpoint.calls.map(({ path }) => path).toSorted();

  await using stopped = start("stopped");
  await stopped.line(/joined group .*: partitions 0, 1 /);
  await using leaving = start("leaving");
  await leaving.line(/joined group .*: partitions [01] /);
  await stopped.line(/joined group .*: partitions [01] /);
  await produce(topic, [0, 1].map((partition) => ({ value: "event", partition })));
  const isCommitted = async (sum: number) => {
    const offsets = await committedOffsets(topic, topic);
    return offsets.values().reduce((all, offset) => all + Math.max(offset, 0), 0) === sum;
  };
  await eventually(() => calls().length === 2 && isCommitted(1), {
    deadlineMs: 20_000,
    what: "a call that runs, and a commit of the other member's",
  });

  stopped.signal("SIGTERM");
  await stopped.line(/SIGTERM: finishing events in flight/);
  leaving.signal("SIGTERM");
  assertEquals(await leaving.exit(), 0);
  const joins = () =>
    stopped.lines.filter((line) => /joined group .*: partitions 0, 1 /.test(line));
  await eventually(() => joins().length === 2, {
    deadlineMs: 20_000,
    what: "that the member has joined the group anew",
  });
  released.resolve();
  assertEquals(await stopped.exit(), 0);

  assertEquals(await committedOffsets(topic, topic), new Map([[0, 1], [1, 1]]));
  assertEquals(calls(), ["/leaving", "/stopped"]);
});
