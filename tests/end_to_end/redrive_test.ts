import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RecordHeader } from "../../src/core/event.ts";
import { type Respond, startEndpoint } from "../support/http/endpoint.ts";
import {
  type CommandEnd,
  configFile,
  EventorProcess,
  runEventor,
} from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { HOSTILE_HEADERS } from "../support/hostile_headers.ts";
import {
  committedOffsets,
  deleteRecords,
  freshTopic,
  produce,
  readTopic,
  type StoredRecord,
  type TestRecord,
} from "../support/kafka/broker.ts";
import { kafkaPipeline, type PipelineYaml } from "../support/executable/pipeline_yaml.ts";

const NO_ENDPOINT = "http://127.0.0.1:9/";

/** Topics of a pipeline that has dead letters, in several partitions. */
async function someTopics() {
  const topic = await freshTopic("redrive", { partitions: 4 });
  const deadLetters = await freshTopic("redrive-dead", { partitions: 3 });
  const results = await freshTopic("redrive-results", { partitions: 2 });
  return { topic, deadLetters, results };
}

/** Runs the command for a pipeline to its end. */
async function redrive(
  pipeline: Omit<PipelineYaml, "url">,
  ...args: readonly string[]
): Promise<CommandEnd> {
  using file = configFile(kafkaPipeline({ url: NO_ENDPOINT, ...pipeline }));
  const name = pipeline.name ?? "orders";
  return await runEventor(["redrive", "-f", file.path, "--pipeline", name, ...args]);
}

/** A record as the pipeline `orders` makes it of an event that has failed. */
function aDeadLetter(
  value: string,
  { key = "key", headers = [], ...facts }: {
    key?: string | null;
    headers?: readonly RecordHeader[];
    partition?: number;
  } & Readonly<Record<string, unknown>>,
): TestRecord {
  const { partition, ...others } = facts;
  const said = { pipeline: "orders", reason: "status", status: 400, attempts: 1, ...others };
  return {
    key,
    value,
    headers: [
      ...headers,
      ["eventor-idempotency-key", bytes(`first-key-of-${value}`)],
      ...Object.entries(said).map(([name, fact]): RecordHeader => [
        `eventor-dead-letter-${name}`,
        bytes(`${fact}`),
      ]),
    ],
    ...(partition === undefined ? {} : { partition }),
  };
}

function bytes(text: string) {
  return new TextEncoder().encode(text);
}

function valueOf({ value }: StoredRecord): string {
  return new TextDecoder().decode(value ?? undefined);
}

async function valuesOf(topic: string): Promise<string[]> {
  return (await readTopic(topic)).map(valueOf);
}

/** Those of each key in the order in which they were stored. */
function byKey(records: readonly StoredRecord[]): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const record of records) {
    (values[new TextDecoder().decode(record.key ?? undefined)] ??= []).push(valueOf(record));
  }
  return values;
}

function firstLine({ stdout }: CommandEnd): string {
  return stdout.slice(0, stdout.indexOf("\n"));
}

Deno.test("eventor redrive brings dead letters back to a repaired endpoint, in order and with their idempotency keys", async () => {
  const topics = await someTopics();
  const events = Array.from({ length: 200 }, (_, event) => ({ key: `key-${event % 7}`, event }));
  await produce(
    topics.topic,
    events.map(({ key, event }) => ({ key, value: `${event}`, headers: [["tenant", bytes("a")]] })),
  );
  let isRepaired = false;
  const respond: Respond = ({ body }) => new Response(body, { status: isRepaired ? 200 : 422 });
  await using endpoint = startEndpoint(respond);
  const pipeline = { ...topics, url: endpoint.url, logLevel: "INFO" };
  await using eventor = new EventorProcess(kafkaPipeline(pipeline));
  await eventually(async () => (await readTopic(topics.deadLetters)).length === events.length, {
    deadlineMs: 60_000,
    what: "every event is a dead letter",
  });
  isRepaired = true;

  const { code, stdout, stderr } = await redrive(topics);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "put back 200 dead letters\n");
  assertStringIncludes(stdout, `from kafka topic ${topics.deadLetters} on`);
  assertStringIncludes(stdout, `onto kafka topic ${topics.topic} on`);
  await eventually(async () => (await readTopic(topics.results)).length === events.length, {
    deadlineMs: 60_000,
    what: "every event has a result",
  });
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);

  assertEquals(
    byKey(await readTopic(topics.results)),
    Object.fromEntries(
      Map.groupBy(events, ({ key }) => key).entries()
        .map(([key, ofKey]) => [key, ofKey.map(({ event }) => `${event}`)]),
    ),
  );
  const keysOf = (calls: typeof endpoint.calls) =>
    new Set(calls.map(({ headers }) => headers.get("idempotency-key")));
  assertEquals(keysOf(endpoint.calls.slice(0, 200)), keysOf(endpoint.calls.slice(200)));
  assertEquals(keysOf(endpoint.calls).size, 200);
  const putBack = (await readTopic(topics.topic)).filter(({ headers }) =>
    headers.includes("idempotency-key")
  );
  assertEquals(putBack.length, 200);
  for (const { headers } of putBack) {
    assert(
      /^tenant=a,eventor-idempotency-key=[^,]+,eventor-dead-letter-redrives=1,/.test(headers),
      headers,
    );
  }
  assertEquals((await readTopic(topics.deadLetters)).length, events.length);
});

for (
  const { name, ordering, keyOf } of [
    { name: "events without a key", ordering: "key", keyOf: () => null },
    {
      name: "events of all keys, with ordering: partition,",
      ordering: "partition",
      keyOf: (event: number) => `key-${event % 7}`,
    },
  ]
) {
  Deno.test(`eventor redrive puts ${name} back in the order of their partition`, async () => {
    const topics = await someTopics();
    const partitions = [1, 2, 3];
    const values = Array.from({ length: 20 }, (_, event) => `${event}`);
    await produce(
      topics.topic,
      partitions.flatMap((partition) =>
        values.map((value, event) => ({ key: keyOf(event), value, partition }))
      ),
    );
    await using endpoint = startEndpoint(() => new Response("no", { status: 422 }));
    const pipeline = { ...topics, url: endpoint.url, keys: { ordering } };
    {
      await using eventor = new EventorProcess(kafkaPipeline(pipeline));
      await eventually(async () => (await readTopic(topics.deadLetters)).length === 60, {
        deadlineMs: 60_000,
        what: "every event is a dead letter",
      });
      eventor.signal("SIGTERM");
      assertEquals(await eventor.exit(), 0);
    }

    const { stdout } = await redrive({ ...topics, keys: { ordering } });
    assertStringIncludes(stdout, "put back 60 dead letters\n");
    const stored = await readTopic(topics.topic);
    for (const partition of partitions) {
      const ofPartition = stored.filter((record) => record.partition === partition);
      assertEquals(ofPartition.map(valueOf), [...values, ...values]);
    }
  });
}

Deno.test("eventor redrive keeps key, value and headers byte for byte, and the partition", async () => {
  const { topic, deadLetters } = await someTopics();
  const source = { "source-topic": topic, "source-partition": 3 };
  await produce(deadLetters, [
    aDeadLetter("hostile", { headers: HOSTILE_HEADERS, ...source }),
    aDeadLetter("keyless", { key: null, ...source }),
    { ...aDeadLetter("", source), value: null },
  ]);
  assertEquals((await redrive({ topic, deadLetters })).code, 0);

  const before = await freshTopic("redrive-headers");
  await produce(before, [{
    key: "key",
    value: "hostile",
    headers: [
      ...HOSTILE_HEADERS,
      ["eventor-idempotency-key", bytes("first-key-of-hostile")],
      ["eventor-dead-letter-redrives", bytes("1")],
      ["eventor-dead-letter-source-topic", bytes(topic)],
      ["eventor-dead-letter-source-partition", bytes("3")],
    ],
  }]);
  const [expected] = await readTopic(before);
  const stored = await readTopic(topic);
  assertEquals(stored.map(({ partition }) => partition), [3, 3, 3]);
  assertEquals(
    stored.find((record) => valueOf(record) === "hostile")?.headers,
    expected?.headers,
  );
  assertEquals(stored.find((record) => valueOf(record) === "keyless")?.key, null);
  assertEquals(stored.filter(({ value }) => value === null).length, 1);
});

Deno.test("eventor redrive puts letters of another topic back by key, and says so once", async () => {
  const { topic, deadLetters } = await someTopics();
  const letters = Array.from({ length: 20 }, (_, number) =>
    aDeadLetter(`${number}`, {
      key: `key-${number % 3}`,
      "source-topic": "FORMER",
      "source-partition": number % 4,
    }));
  await produce(deadLetters, letters);
  const { code, stderr } = await redrive({ topic, deadLetters });
  assertEquals(code, 0);
  assertEquals(stderr.match(/events of topic FORMER go to/g)?.length, 1, stderr);
  const stored = await readTopic(topic);
  assertEquals(stored.length, 20);
  for (const ofKey of Map.groupBy(stored, ({ key }) => `${key}`).values()) {
    assertEquals(new Set(ofKey.map(({ partition }) => partition)).size, 1);
  }
});

Deno.test("eventor redrive keeps the first failure and counts, when the same event fails again and again", async () => {
  const topics = await someTopics();
  await produce(topics.topic, [{ key: "key", value: "event" }]);
  await using endpoint = startEndpoint(() => new Response("no", { status: 422 }));
  const pipeline = { ...topics, url: endpoint.url, logLevel: "INFO" };
  await using _ = new EventorProcess(kafkaPipeline(pipeline));
  const lettersOf = async (count: number) => {
    await eventually(async () => (await readTopic(topics.deadLetters)).length === count, {
      deadlineMs: 60_000,
      what: `${count} dead letters`,
    });
    return (await readTopic(topics.deadLetters)).map(({ headers }) =>
      new Map(headers.split(",").map((header) => header.split("=") as [string, string]))
    );
  };
  await lettersOf(1);
  for (const redrives of [0, 1, 2]) {
    const filter = `redrives=${redrives}`;
    const { stdout } = await redrive(topics, "--filter", filter);
    assertStringIncludes(stdout, "put back 1 dead letter\n");
    const letters = await lettersOf(redrives + 2);
    const fact = (name: string) =>
      letters.map((letter) => letter.get(`eventor-dead-letter-${name}`));
    assertEquals(fact("redrives").sort().at(-1), `${redrives + 1}`);
    for (const name of ["first-failed-at", "source-topic", "source-partition", "source-offset"]) {
      assertEquals(new Set(fact(name)).size, 1, `${name}: ${fact(name)}`);
    }
    assertEquals(fact("last-source-offset").sort()[redrives], `${redrives + 1}`);
  }
  assertEquals(
    new Set(endpoint.calls.map(({ headers }) => headers.get("idempotency-key"))).size,
    1,
  );
});

Deno.test("eventor redrive does nothing, when everything has gone back", async () => {
  const { topic, deadLetters } = await someTopics();
  await produce(deadLetters, ["a", "b", "c"].map((value) => aDeadLetter(value, { key: value })));
  assertEquals(firstLine(await redrive({ topic, deadLetters })), "put back 3 dead letters");
  const { code, stdout } = await redrive({ topic, deadLetters });
  assertEquals(code, 0);
  assertEquals(stdout.split("\n").slice(3), ["  passed over: none", ""]);
  assertEquals(firstLine({ stdout } as CommandEnd), "put back 0 dead letters");
  assertEquals((await valuesOf(topic)).toSorted(), ["a", "b", "c"]);
});

Deno.test("eventor redrive leaves letters of other pipelines, and what is no dead letter", async () => {
  const { topic, deadLetters } = await someTopics();
  await produce(deadLetters, [
    aDeadLetter("ours", {}),
    aDeadLetter("theirs", { pipeline: "invoices" }),
    { key: "key", value: "no letter" },
  ]);
  const { stdout } = await redrive({ topic, deadLetters });
  assertStringIncludes(stdout, "put back 1 dead letter\n");
  assertStringIncludes(
    stdout,
    "passed over: 1 of other pipelines, 1 that are no dead letters\n",
  );
  assertEquals(await valuesOf(topic), ["ours"]);
  assertEquals(
    firstLine(await redrive({ name: "invoices", topic, deadLetters })),
    "put back 1 dead letter",
  );
});

Deno.test("eventor redrive remembers for each filter what it has put back, and nothing of the others", async () => {
  const { topic, deadLetters } = await someTopics();
  await produce(
    deadLetters,
    Array.from(
      { length: 30 },
      (_, number) =>
        aDeadLetter(`${number}`, { key: `${number}`, status: number % 2 === 0 ? 503 : 400 }),
    ),
  );
  const filtered = await redrive({ topic, deadLetters }, "--filter", "status=503");
  assertStringIncludes(filtered.stdout, "put back 15 dead letters\n");
  assertStringIncludes(filtered.stdout, "passed over: 15 without status=503\n");
  const again = await redrive({ topic, deadLetters }, "--filter", "status=503");
  assertEquals(firstLine(again), "put back 0 dead letters");
  const other = await redrive({ topic, deadLetters }, "--filter", "status=400");
  assertEquals(firstLine(other), "put back 15 dead letters");
  assertEquals(new Set(await valuesOf(topic)).size, 30);
  const all = await redrive({ topic, deadLetters });
  assertEquals(firstLine(all), "put back 30 dead letters");
  const stored = await readTopic(topic);
  assertEquals(stored.length, 60);
  for (const copies of Map.groupBy(stored, valueOf).values()) {
    assertEquals(copies.length, 2);
    assertEquals(new Set(copies.map(({ headers }) => headers)).size, 1);
  }
});

Deno.test("eventor redrive --limit goes on behind the last letter the next time", async () => {
  const { topic, deadLetters } = await someTopics();
  const values = Array.from({ length: 10 }, (_, number) => `${number}`);
  await produce(deadLetters, values.map((value) => aDeadLetter(value, {})));
  const { stdout } = await redrive({ topic, deadLetters }, "--limit", "3");
  assertStringIncludes(stdout, "put back 3 dead letters\n");
  assertStringIncludes(stdout, "not read yet: 7 records\n");
  assertEquals(await valuesOf(topic), ["0", "1", "2"]);
  await redrive({ topic, deadLetters }, "--limit", "1");
  assertEquals(await valuesOf(topic), ["0", "1", "2", "3"]);
  await redrive({ topic, deadLetters });
  assertEquals(await valuesOf(topic), values);
});

Deno.test("eventor redrive --dry-run shows what would go back, and changes nothing", async () => {
  const { topic, deadLetters } = await someTopics();
  await produce(deadLetters, [
    aDeadLetter("s3cr3t payload", {
      key: "s3cr3t key",
      headers: [["authorization", bytes("s3cr3t header")]],
      partition: 1,
      status: 503,
      attempts: 4,
      "first-failed-at": "2026-01-01T00:00:00.000Z",
      "source-topic": "ORDERS\x1b[2J",
      "source-partition": 2,
      "source-offset": 17,
    }),
    aDeadLetter("another", { partition: 1, status: 400 }),
  ]);
  for (let time = 0; time < 2; time++) {
    const dryRun = await redrive({ topic, deadLetters }, "--dry-run", "--filter", "status=503");
    assertEquals([dryRun.code, dryRun.stderr], [0, ""]);
    const [line, count, ...rest] = dryRun.stdout.split("\n");
    assertEquals(
      line,
      `${deadLetters}[1]@0 of topic ORDERS%1B%5B2J, partition 2, offset 17: reason status, ` +
        "status 503, attempts 4, redrives -, first failed at 2026-01-01T00:00:00.000Z",
    );
    assertEquals(count, "would put back 1 dead letter");
    assertEquals(rest.slice(2), ["  passed over: 1 without status=503", ""]);
    assertEquals(dryRun.stdout.includes("s3cr3t"), false);
  }
  assertEquals(await valuesOf(topic), []);
  const group = "eventor-redrive-orders:status=503";
  assertEquals([...(await committedOffsets(group, deadLetters)).values()], [-1, -1, -1]);
  assertEquals(firstLine(await redrive({ topic, deadLetters })), "put back 2 dead letters");
});

Deno.test("eventor redrive leaves to the next redrive what fails again meanwhile", async () => {
  const topics = await someTopics();
  await produce(
    topics.deadLetters,
    Array.from({ length: 50 }, (_, number) => aDeadLetter(`${number}`, { key: `${number % 5}` })),
  );
  await using endpoint = startEndpoint(() => new Response("no", { status: 400 }));
  await using eventor = new EventorProcess(kafkaPipeline({ ...topics, url: endpoint.url }));
  await eventor.line(/joined group/);
  assertEquals(firstLine(await redrive(topics)), "put back 50 dead letters");
  await eventually(async () => (await readTopic(topics.deadLetters)).length === 100, {
    deadlineMs: 30_000,
    what: "all have failed again",
  });
  assertEquals(firstLine(await redrive(topics)), "put back 50 dead letters");
  const keys = endpoint.calls.map(({ headers }) => headers.get("idempotency-key"));
  assertEquals(new Set(keys).size, 50);
});

Deno.test("eventor redrive loses nothing, when it is killed and run again", async () => {
  const { topic, deadLetters } = await someTopics();
  const count = 60_000;
  await produce(
    deadLetters,
    Array.from(
      { length: count },
      (_, number) => aDeadLetter(`${number}`, { key: `${number % 50}` }),
    ),
  );
  const config = kafkaPipeline({ topic, deadLetters, url: NO_ENDPOINT });
  {
    await using killed = new EventorProcess(config, { args: ["redrive", "--pipeline", "orders"] });
    await eventually(
      async () => sum(await committedOffsets("eventor-redrive-orders", deadLetters)) > 0,
      {
        deadlineMs: 30_000,
        what: "some letters have gone back",
      },
    );
    killed.signal("SIGKILL");
    await killed.exit();
  }
  const committed = sum(await committedOffsets("eventor-redrive-orders", deadLetters));
  assert(committed < count, "it was killed too late to see anything");
  const { code, stdout } = await redrive({ topic, deadLetters });
  assertEquals(code, 0);
  const [, again = ""] = /^put back (\d+) dead letters$/m.exec(stdout) ?? [];
  // A last commit may still have been on its way.
  assert(Number(again) > 0 && Number(again) <= count - committed, `${again} of ${count}`);

  const stored = await readTopic(topic);
  assertEquals(new Set(stored.map(valueOf)).size, count);
  for (const values of Object.values(byKey(stored))) {
    const numbers = [...new Set(values)].map(Number);
    assertEquals(numbers, numbers.toSorted((one, other) => one - other));
  }
});

function sum(offsets: ReadonlyMap<number, number>): number {
  return offsets.values().reduce((sum, offset) => sum + Math.max(offset, 0), 0);
}

Deno.test("eventor redrive finishes what is under way and says how far it got, on SIGINT", async () => {
  const { topic, deadLetters } = await someTopics();
  const count = 60_000;
  await produce(
    deadLetters,
    Array.from(
      { length: count },
      (_, number) => aDeadLetter(`${number}`, { key: `${number % 50}` }),
    ),
  );
  using file = configFile(kafkaPipeline({ topic, deadLetters, url: NO_ENDPOINT }));
  const running = runEventor(["redrive", "-f", file.path, "--pipeline", "orders"], {
    meanwhile: async (child) => {
      await eventually(
        async () => sum(await committedOffsets("eventor-redrive-orders", deadLetters)) > 0,
        {
          deadlineMs: 30_000,
          what: "some letters have gone back",
        },
      );
      child.kill("SIGINT");
    },
  });
  const { code, stdout, stderr } = await running;
  assertEquals([code, stderr], [0, ""]);
  const [, putBack = ""] = /^put back (\d+) dead letters$/m.exec(stdout) ?? [];
  const [, rest = ""] = /^ {2}not read yet: (\d+) records$/m.exec(stdout) ?? [];
  assertEquals(Number(putBack) + Number(rest), count);
  assertEquals((await readTopic(topic)).length, Number(putBack));
  assertEquals(sum(await committedOffsets("eventor-redrive-orders", deadLetters)), Number(putBack));
});

Deno.test("eventor redrive stops at a letter that its topic does not take, and says what to do", async () => {
  const { deadLetters } = await someTopics();
  const topic = await freshTopic("redrive-small", { config: { "max.message.bytes": "2000" } });
  const large = crypto.getRandomValues(new Uint8Array(4000)).toHex();
  await produce(deadLetters, ["before", large, "behind"].map((value) => aDeadLetter(value, {})));
  for (let time = 0; time < 2; time++) {
    const { code, stdout, stderr } = await redrive({ topic, deadLetters });
    assertEquals(code, 1);
    assertStringIncludes(
      stdout,
      time === 0 ? "put back 1 dead letter\n" : "put back 0 dead letters\n",
    );
    assertStringIncludes(
      stderr,
      "is larger than its destination accepts: raise the topic's max.message.bytes, and message.max.bytes of the " +
        "producerConfig when it is set\n",
    );
  }
  assertEquals(await valuesOf(topic), ["before"]);
});

Deno.test("eventor redrive reads what is left of a topic that was shortened", async () => {
  const { topic, deadLetters } = await someTopics();
  await produce(deadLetters, ["a", "b", "c"].map((value) => aDeadLetter(value, { partition: 0 })));
  await produce(deadLetters, ["d", "e"].map((value) => aDeadLetter(value, { partition: 1 })));
  await deleteRecords(deadLetters, { 0: 2, 1: -1 });
  const { code, stdout } = await redrive({ topic, deadLetters });
  assertEquals(code, 0);
  assertStringIncludes(stdout, "put back 1 dead letter\n");
  assertEquals(await valuesOf(topic), ["c"]);
});

Deno.test("eventor redrive says what is wrong and exits with 2, when there is nothing it could do", async (t) => {
  const orders = kafkaPipeline({
    topic: "A",
    deadLetters: "B",
    broker: "127.0.0.1:9",
    url: NO_ENDPOINT,
  });
  const without = kafkaPipeline({
    name: "plain",
    topic: "A",
    group: "plain",
    broker: "127.0.0.1:9",
    url: NO_ENDPOINT,
  });
  const toStdout = `${without.replaceAll("plain", "printed")}\n  deadLetter: { type: stdout }\n`;
  const fromStdin = `
- name: piped
  eventListener: { type: stdin }
  eventHandler: { type: http, url: "${NO_ENDPOINT}" }
  deadLetter: { type: kafka, topic: B, producerConfig: { bootstrap.servers: "127.0.0.1:9" } }
`;
  using file = configFile([orders, without, toStdout, fromStdin].join(""));
  const problems = [
    [
      ["--pipeline", "order"],
      "no pipeline is named 'order'; the file has: 'orders', 'plain', 'printed', 'piped'\n",
    ],
    [
      ["--pipeline", "plain"],
      "cannot put back dead letters of pipeline 'plain': it has no 'deadLetter': add that section\n",
    ],
    [
      ["--pipeline", "printed"],
      "cannot put back dead letters of pipeline 'printed': a 'deadLetter' of type stdout cannot be read\n",
    ],
    [
      ["--pipeline", "piped"],
      "cannot put back dead letters of pipeline 'piped': an 'eventListener' of type stdin cannot take events back\n",
    ],
    [
      ["--pipeline", "orders", "--filter", "colour=red"],
      "--filter must be NAME=VALUE with one of reason, status, ",
    ],
  ] as const;
  for (const [args, problem] of problems) {
    await t.step(args.join(" "), async () => {
      const { code, stdout, stderr } = await runEventor(["redrive", "-f", file.path, ...args]);
      assertEquals([code, stdout], [2, ""]);
      assertStringIncludes(stderr, `eventor: ${problem}`);
    });
  }
});
