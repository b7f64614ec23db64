import { assert, assertEquals, assertMatch } from "@std/assert";
import { createTopics, startBroker } from "../../tools/kafka/mod.ts";
import { type Endpoint, startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  readTopic,
  type StoredRecord,
  testBroker,
} from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const DECODER = new TextDecoder();

function valuesOf(records: readonly StoredRecord[]): string[] {
  return records.map(({ value }) => DECODER.decode(value ?? undefined));
}

function bodiesOf({ calls }: Endpoint): string[] {
  return calls.map(({ body }) => DECODER.decode(body));
}

/** The line that tells of the `count`-th result. */
function stored(results: string, count: number): RegExp {
  return new RegExp(`successfully produced EventHandler result: ${results}\\[0\\]@${count - 1}$`);
}

Deno.test("eventor keeps trying, says so and works in the end, when the broker comes up after it", async () => {
  await using endpoint = startEndpoint();
  const port = unusedPort();
  const broker = `127.0.0.1:${port}`;
  const [topic, results] = [freshName("late"), freshName("late-results")];
  await using eventor = new EventorProcess(
    kafkaPipeline({ broker, topic, results, url: endpoint.url }),
  );
  const line = await eventor.line(/ERROR - /);
  assertMatch(
    line,
    new RegExp(
      `ERROR - pipeline 'orders' stopped: cannot reach brokers ${broker}: .*ECONNREFUSED.*; restarting in \\d+\\.\\d s$`,
    ),
  );

  await using _ = await startBroker({ requireJvm: true, port });
  await createTopics(broker, [{ topic }, { topic: results }]);
  await produce(topic, [{ value: "a" }], { broker });
  await eventor.line(stored(results, 1));
  assertEquals(valuesOf(await readTopic(results, { broker })), ["a"]);
});

Deno.test("eventor names the topic that does not exist, and works once it does", async () => {
  await using endpoint = startEndpoint();
  const topic = freshName("missing");
  const results = await freshTopic("missing-results");
  await using eventor = new EventorProcess(kafkaPipeline({ topic, results, url: endpoint.url }));
  const line = await eventor.line(/ERROR - /);
  assertMatch(
    line,
    new RegExp(
      `ERROR - pipeline 'orders' stopped: topic '${topic}' does not exist on ${testBroker()}; create it, or correct 'topic'; restarting in \\d+\\.\\d s$`,
    ),
  );

  await createTopics(testBroker(), [{ topic }]);
  await produce(topic, [{ value: "a" }]);
  await eventor.line(stored(results, 1));
  assertEquals(bodiesOf(endpoint), ["a"]);
});

Deno.test("eventor passes no event over and starts no later one of its partition, while the endpoint is down", async () => {
  const port = unusedPort();
  const topic = await freshTopic("down");
  const results = await freshTopic("down-results");
  await produce(topic, [{ value: "a" }, { value: "b" }]);
  const url = `http://127.0.0.1:${port}/`;
  await using eventor = new EventorProcess(kafkaPipeline({ topic, results, url }));
  const failures = () => eventor.lines.filter((line) => line.includes("ERROR - "));
  await eventually(() => failures().length >= 4, { deadlineMs: 30_000, what: "four attempts" });
  for (const line of failures()) {
    assert(line.includes(`ERROR - cannot handle ${topic}[0]@0: no response from 'POST ${url}': `));
    assertMatch(line, /: connection refused; trying again in \d+\.\d s$/);
  }
  assert(!eventor.lines.some((line) => line.includes(`${topic}[0]@1`)));
  assertEquals(await committedOffsets(topic, topic), new Map([[0, 0]]));

  await using endpoint = startEndpoint(undefined, { port });
  await eventor.line(stored(results, 2));
  assertEquals(bodiesOf(endpoint), ["a", "b"]);
  assertEquals(valuesOf(await readTopic(results)), ["a", "b"]);
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);
  assertEquals(await committedOffsets(topic, topic), new Map([[0, 2]]));
});

Deno.test("eventor loses nothing and keeps each partition's order, when the broker is killed and comes back", async () => {
  await using broker = await startBroker({ requireJvm: true });
  const at = { broker: broker.bootstrapServer };
  const [events, partitions] = [600, 3];
  const topic = await freshTopic("killed", { ...at, partitions });
  const results = await freshTopic("killed-results", at);
  const records = Array.from(
    { length: events },
    (_, number) => ({ value: `${number}`, partition: number % partitions }),
  );
  await produce(topic, records, at);
  await using endpoint = startEndpoint();
  await using eventor = new EventorProcess(
    kafkaPipeline({ ...at, topic, results, url: endpoint.url }),
  );
  await eventually(() => endpoint.calls.length > events / 6, {
    deadlineMs: 30_000,
    what: "the first events",
  });
  await broker.kill();
  const before = endpoint.calls.length;
  assert(before < events, "the broker was killed too late to be missed");
  await broker.restart();

  const committed = Array.from(
    { length: partitions },
    (_, partition) => [partition, events / partitions] as const,
  );
  await eventually(async () => {
    const offsets = await committedOffsets(topic, topic, at).catch(() => new Map());
    return committed.every(([partition, offset]) => offsets.get(partition) === offset);
  }, {
    deadlineMs: 60_000,
    what: () => `all events committed; the log ends with\n${eventor.lines.slice(-30).join("\n")}`,
  });
  const numbers = valuesOf(await readTopic(results, at)).map(Number);
  for (let partition = 0; partition < partitions; partition++) {
    const expected = Array.from(
      { length: events / partitions },
      (_, index) => index * partitions + partition,
    );
    const inOrderOfFirst = [...new Set(numbers)]
      .filter((number) => number % partitions === partition);
    assertEquals(inOrderOfFirst, expected, `partition ${partition}`);
  }
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);
});

Deno.test("eventor runs a pipeline, while the topic of another one does not exist", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("present");
  const results = await freshTopic("present-results");
  const missing = freshName("missing");
  await produce(topic, [{ value: "a" }]);
  await using eventor = new EventorProcess(
    kafkaPipeline({ name: "broken", topic: missing, url: endpoint.url }) +
      kafkaPipeline({ name: "sound", topic, results, url: endpoint.url }),
  );
  await eventor.line(new RegExp(`pipeline 'broken' stopped: topic '${missing}' does not exist`));
  await eventor.line(stored(results, 1));
  await produce(topic, [{ value: "b" }]);
  await eventor.line(stored(results, 2));
  assertEquals(bodiesOf(endpoint), ["a", "b"]);
  assert(!eventor.lines.some((line) => line.includes("pipeline 'sound' stopped")));
});

Deno.test("eventor logs nothing of payloads, keys, headers, secrets or query strings, whatever goes wrong", async () => {
  const canary = freshName("canary");
  await using endpoint = startEndpoint((_, number) =>
    new Response(`${canary} response ${"x".repeat(1000)}`, {
      status: number === 0 ? 500 : 200,
      headers: { "x-secret": canary },
    })
  );
  const topic = await freshTopic("private");
  const results = await freshTopic("private-results");
  const small = freshName("private-small");
  await createTopics(testBroker(), [{ topic: small, config: { "max.message.bytes": "200" } }]);
  await produce(topic, [{
    key: `${canary} key`,
    value: `${canary} value`,
    headers: [[`${canary}-name`, new TextEncoder().encode(`${canary} header`)]],
  }]);
  const headers = { Authorization: `Bearer ${canary}` };
  const query = `?token=${canary}`;
  const down = `http://127.0.0.1:${unusedPort()}/${query}`;
  const pipelines = [
    { name: "answered", group: `${topic}-1`, results, url: `${endpoint.url}${query}` },
    { name: "refused", group: `${topic}-2`, results, url: down },
    { name: "too-large", group: `${topic}-3`, results: small, url: `${endpoint.url}${query}` },
  ];
  await using eventor = new EventorProcess(
    pipelines.map((pipeline) => kafkaPipeline({ ...pipeline, topic, headers })).join(""),
  );
  await eventor.line(/status 500, and no eventResultProcessor is configured for onError/);
  await eventor.line(/successfully produced EventHandler result/);
  await eventor.line(/connection refused; trying again/);
  await eventor.line(/cannot publish the result of/);
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);
  assertEquals(endpoint.calls[0]?.headers.get("authorization"), `Bearer ${canary}`);
  assertEquals(eventor.lines.filter((line) => line.includes(canary)), []);
});
