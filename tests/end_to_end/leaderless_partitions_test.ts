import { assert, assertEquals } from "@std/assert";
import { partitionOfKey } from "../../src/transports/kafka/producer/murmur2.ts";
import { BrokerPair } from "../../tools/kafka/mod.ts";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { produce, readTopic } from "../support/kafka/broker.ts";
import { fileOf, kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

/** Who leads each partition: the last one is without a leader while the second broker is away. */
const LEADERS = [1, 1, 1, 2];
const HEALTHY = [0, 1, 2];
const ALL = [...HEALTHY, 3];

/** For longer than any pipeline outlasted that waited for all partitions. */
const OUTAGE_MS = 42_000;

Deno.test("what has a leader flows while other partitions have none, for 40 s and after a start, and all of it when their broker is back", async () => {
  await using brokers = await BrokerPair.start();
  const topic = await brokers.freshTopic("source", LEADERS);
  const results = await brokers.freshTopic("results", LEADERS);
  const lastingResults = await brokers.freshTopic("lasting-results", LEADERS);
  await using endpoint = startEndpoint();
  await using lastingEndpoint = startEndpoint();
  const port = unusedPort();
  const pipeline = {
    topic,
    broker: brokers.servers,
    // So that results go on soon after their leader is back.
    producerConfig: { "retry.backoff.max.ms": 2000, "retries": 1000 },
    logLevel: "INFO",
  };
  const config = fileOf(
    kafkaPipeline({ ...pipeline, results, url: endpoint.url }),
    { admin: { address: `127.0.0.1:${port}` } },
  );
  const readyz = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    return { status: response?.status, text: await response?.text() ?? "" };
  };
  const broker = brokers.first.bootstrapServer;
  const send = (partitions: readonly number[], round: string) =>
    produce(
      topic,
      partitions.flatMap((partition) =>
        keysOf(partition).map((key) => ({ key, partition, value: `${round} ${key}` }))
      ),
      { broker },
    );
  const handled = (round: string) =>
    endpoint.calls.map(({ body }) => new TextDecoder().decode(body))
      .filter((value) => value.startsWith(round)).length;
  const stored = async (round: string, { partitions = ALL, of = results } = {}) => {
    const records = await readTopic(of, { broker, partitions });
    return records.filter(({ value }) =>
      new TextDecoder().decode(value ?? undefined).startsWith(round)
    ).length;
  };
  const until = (what: string, isSo: () => boolean | Promise<boolean>) =>
    eventually(isSo, { deadlineMs: 60_000, what });

  // Runs before, in and after the outage, beside one that is started anew in it.
  await using lasting = new EventorProcess(
    kafkaPipeline({
      ...pipeline,
      group: `${topic}-lasting`,
      results: lastingResults,
      url: lastingEndpoint.url,
    }),
  );
  let awaySinceMs: number;
  {
    await using eventor = new EventorProcess(config);
    await eventor.line(/joined group .*: partitions 0-3 /);
    await lasting.line(/joined group .*: partitions 0-3 /);
    await send(ALL, "before");
    await until(
      "all results",
      async () =>
        await stored("before") === 12 && await stored("before", { of: lastingResults }) === 12,
    );

    await brokers.second.kill();
    awaySinceMs = performance.now();
    await send(HEALTHY, "away");
    await until(
      "results of healthy partitions",
      async () => await stored("away", { partitions: HEALTHY }) === 9,
    );
    await eventor.line(new RegExp(`cannot read ${topic}\\[3\\]@3: .*`));
    await until("/readyz names the partition", async () => {
      const { status, text } = await readyz();
      return status === 503 && text.includes(`cannot read ${topic}[3]@3: no broker leads it`);
    });
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  }

  await using eventor = new EventorProcess(config);
  await eventor.line(/joined group .*: partitions 0-3 /, { deadlineMs: 60_000 });
  await send(HEALTHY, "started");
  await until(
    "results of healthy partitions",
    async () => await stored("started", { partitions: HEALTHY }) === 9,
  );
  assertEquals(handled("before"), 12, "nothing is handled again");
  // Its result is for a partition without a leader, and another event's of the same partition is not.
  await produce(topic, [
    { key: keysOf(3)[0]!, partition: 0, value: "waits" },
    { key: keysOf(0)[0]!, partition: 0, value: "goes on" },
  ], { broker });
  await until(
    "the result behind one that waits",
    async () => await stored("goes on", { partitions: HEALTHY }) === 1,
  );
  await eventor.line(new RegExp(`cannot read ${topic}\\[3\\]@3: no broker leads it; trying again`));
  await eventor.line(
    new RegExp(`cannot store in ${results}\\[3\\]: no broker leads it; trying again`),
  );
  await until("/readyz names both partitions", async () => {
    const { text } = await readyz();
    return [`cannot read ${topic}[3]@3: `, `cannot store in ${results}[3]: `]
      .every((reason) => text.includes(reason));
  });

  await until("a long outage", () => performance.now() - awaySinceMs >= OUTAGE_MS);
  await send(HEALTHY, "later");
  await until(
    "results of healthy partitions, late in the outage",
    async () => await stored("later", { partitions: HEALTHY, of: lastingResults }) === 9,
  );

  await brokers.second.restart();
  await send(ALL, "back");
  await until(
    "all results",
    async () => await stored("back") === 12 && await stored("waits") === 1,
  );
  await until(
    "all results of the one that has not been started anew",
    async () => await stored("back", { of: lastingResults }) === 12,
  );
  lasting.signal("SIGTERM");
  assertEquals(await lasting.exit(), 0);
  assertEquals(lasting.lines.filter((line) => /pipeline '.*' (stopped|ended)/.test(line)), []);
  await eventor.line(new RegExp(`reading ${topic}\\[3\\] again`));
  await eventor.line(new RegExp(`storing in ${results}\\[3\\] again`));
  await until("/readyz is 200", async () => (await readyz()).status === 200);
  assert(handled("back") >= 12);
});

/** Keys of records that belong to a partition, of a topic with as many partitions as these. */
function keysOf(partition: number): string[] {
  const keys: string[] = [];
  for (let number = 0; keys.length < 3; number++) {
    const key = `k${number}`;
    const bytes = new TextEncoder().encode(key);
    if (partitionOfKey(bytes, LEADERS.length) === partition) keys.push(key);
  }
  return keys;
}
