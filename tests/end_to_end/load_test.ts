import { assert, assertEquals } from "@std/assert";
import { echo, startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import {
  addPartitions,
  committedOffsets,
  freshTopic,
  produce,
  readTopic,
} from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const EVENTS = 20_000;

Deno.test("eventor repeats nothing after a SIGTERM under full load", async () => {
  const topic = await freshTopic("load", { partitions: 6 });
  const results = await freshTopic("load-results", { partitions: 6 });
  await produce(
    topic,
    Array.from({ length: EVENTS }, (_, event) => ({
      key: `key-${event % 1000}`,
      value: `${event}`,
    })),
  );
  await using endpoint = startEndpoint();
  const config = kafkaPipeline({
    topic,
    results,
    url: endpoint.url,
    logLevel: "INFO",
    keys: { concurrency: 64 },
  });
  const called = (count: number) =>
    eventually(() => endpoint.calls.length >= count, {
      deadlineMs: 60_000,
      what: () => `${count} calls, found ${endpoint.calls.length}`,
    });

  for (const part of [1, 2, 3]) {
    await using eventor = new EventorProcess(config);
    await called(EVENTS * part / 4);
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
    assert(endpoint.calls.length < EVENTS, "it was stopped while there was work");
  }
  {
    await using eventor = new EventorProcess(config);
    await called(EVENTS);
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  }

  assertEquals(endpoint.calls.length, EVENTS);
  const values = (await readTopic(results)).map(({ value }) => text(value));
  assertEquals(values.length, EVENTS);
  assertEquals(new Set(values).size, EVENTS);
  const committed = (await committedOffsets(topic, topic)).values();
  assertEquals(committed.reduce((sum, offset) => sum + offset, 0), EVENTS);
});

Deno.test("eventor handles the events of other partitions while all calls of one hang", async () => {
  const partitions = 12;
  const eventsOfPartition = 1000;
  const topic = await freshTopic("hanging", { partitions });
  const results = await freshTopic("hanging-results", { partitions });
  await produce(
    topic,
    Array.from({ length: partitions * eventsOfPartition }, (_, event) => ({
      key: `key-${event}`,
      value: `${event % partitions}`,
      partition: event % partitions,
    })),
  );
  const never = Promise.withResolvers<Response>();
  let hanging = 0;
  await using endpoint = startEndpoint((call) => {
    if (text(call.body) !== "0") return echo(call);
    hanging++;
    return never.promise;
  });
  await using eventor = new EventorProcess(
    kafkaPipeline({ topic, results, url: endpoint.url, keys: { concurrency: 32 } }),
  );

  const expected = (partitions - 1) * eventsOfPartition;
  await eventually(() => endpoint.calls.length - hanging === expected, {
    deadlineMs: 25_000,
    what: () =>
      `${expected} calls for other partitions; of all ${endpoint.calls.length}, ` +
      `${hanging} hang; the log has:\n${eventor.lines.slice(-10).join("\n")}`,
  });
  assert(hanging > 0, "no call hangs");
  never.resolve(new Response());
});

Deno.test("eventor handles what is written to partitions that are added while it runs", async () => {
  const topic = await freshTopic("growing", { partitions: 2 });
  await using endpoint = startEndpoint();
  await using eventor = new EventorProcess(kafkaPipeline({
    topic,
    url: endpoint.url,
    consumerConfig: {
      "auto.offset.reset": "latest",
      "topic.metadata.refresh.interval.ms": 1000,
    },
  }));
  await eventor.line(/joined group/);

  await addPartitions(topic, 4);
  await produce(
    topic,
    Array.from({ length: 400 }, (_, event) => ({ value: `${event}`, partition: event % 4 })),
  );

  const handled = () => new Set(endpoint.calls.map(({ body }) => text(body))).size;
  await eventually(() => handled() === 400, {
    deadlineMs: 30_000,
    what: () =>
      `400 events, found ${handled()}; the log has:\n${eventor.lines.slice(-20).join("\n")}`,
  });
});

function text(bytes: Uint8Array | null): string {
  return new TextDecoder().decode(bytes ?? undefined);
}
