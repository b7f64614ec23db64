import { assert, assertEquals, assertMatch } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import { createTopics } from "../../tools/kafka/mod.ts";
import { startEndpoint } from "../support/http/endpoint.ts";
import { eventually } from "../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  testBroker,
  testBrokerByOtherName,
} from "../support/kafka/broker.ts";
import { aPipeline, Supervised } from "../support/workers/supervised.ts";

const MISBEHAVING = new URL("../support/workers/misbehaving_worker.ts", import.meta.url);
const BROKEN = new URL("../support/workers/broken_worker.ts", import.meta.url);

for (
  const { name, reason } of [
    { name: "throws", reason: "thrown on purpose" },
    { name: "rejects", reason: "rejected on purpose" },
  ]
) {
  Deno.test(`Supervisor starts a pipeline that ${name} again and again, while the others go on`, async () => {
    await using endpoint = startEndpoint();
    const topic = await freshTopic("supervisor");
    const url = endpoint.url;
    await using supervised = new Supervised([
      aPipeline({ name, topic, group: freshName("misbehaving"), url }),
      aPipeline({ name: "orders", topic, url: `${url}orders` }),
    ], { workerUrl: MISBEHAVING });

    // Measured at 1 to 10 s; the rest is room for a busy machine.
    await supervised.log.line(restartOf(name, reason), { count: 3, deadlineMs: 60_000 });
    await produce(topic, [{ value: "after three restarts" }]);

    await eventually(() => endpoint.calls.some(({ path }) => path === "/orders"), {
      deadlineMs: 30_000,
      what: "a call by the other pipeline",
    });
    assertEquals(supervised.log.matching(restartOf("orders", ".*")), []);
    assertEquals(supervised.log.matching(/'orders' may connect to/).length, 1);
  });
}

Deno.test("Supervisor starts a pipeline again, when its Worker fails before it can say so", async () => {
  const topic = await freshTopic("supervisor");
  await using supervised = new Supervised([aPipeline({ topic, url: "http://127.0.0.1:1/" })], {
    workerUrl: BROKEN,
  });
  await supervised.log.line(restartOf("orders", ".*broken on purpose.*"), { count: 2 });
});

Deno.test("Supervisor starts a pipeline that reports a failure again, until it works", async () => {
  await using endpoint = startEndpoint();
  const topic = freshName("not-yet");
  await using supervised = new Supervised([aPipeline({ topic, url: endpoint.url })]);
  await supervised.log.line(restartOf("orders", `topic '${topic}' does not exist on .*`));

  await createTopics(testBroker(), [{ topic }]);
  await produce(topic, [{ value: "event" }]);

  await eventually(() => endpoint.calls.length === 1, { deadlineMs: 30_000, what: "the call" });
});

Deno.test("Supervisor waits longer and longer before it starts a pipeline again", async () => {
  const topic = await freshTopic("supervisor");
  await using supervised = new Supervised([aPipeline({ topic, url: "http://127.0.0.1:1/" })], {
    workerUrl: BROKEN,
  });
  await supervised.log.line(restartOf("orders", ".*"), { count: 4 });
  const delays = supervised.log.matching(restartOf("orders", ".*"))
    .map((line) => Number(/in ([\d.]+) s$/.exec(line)?.[1]));
  // The delays are random below these.
  for (const [index, ceiling] of [0.5, 1, 2, 4].entries()) {
    assert((delays[index] ?? NaN) <= ceiling, `delays: ${delays.join(", ")}`);
  }
});

Deno.test("Supervisor does not start a pipeline again that could not go on where it was", async () => {
  const pipeline = stdioPipeline("lines");
  await using supervised = new Supervised([pipeline], { workerUrl: BROKEN });
  assertEquals(await supervised.end, "failed");
  assertMatch(supervised.log.lines.at(-1) ?? "", /^ERROR - pipeline 'lines' failed: .*broken/);
});

Deno.test("Supervisor lets other pipelines run on, when one has failed for good", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("supervisor");
  // Its Worker throws at once; that of the other pipeline has another name.
  await using supervised = new Supervised([
    stdioPipeline("throws"),
    aPipeline({ topic, url: endpoint.url }),
  ], { workerUrl: MISBEHAVING });
  await supervised.log.line(/^ERROR - pipeline 'throws' failed: thrown on purpose/);
  await produce(topic, [{ value: "event" }]);
  await eventually(() => endpoint.calls.length === 1, { deadlineMs: 30_000, what: "the call" });
  supervised.stop();
  assertEquals(await supervised.end, "failed");
});

Deno.test("Supervisor does not start a pipeline whose results are its own events, and lets the others run", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("circle");
  const url = endpoint.url;
  const resultBroker = testBrokerByOtherName();
  await using supervised = new Supervised([
    aPipeline({ name: "round", topic, results: topic, resultBroker, url }),
    aPipeline({ name: "straight", topic, group: freshName("straight"), url: `${url}straight` }),
  ]);

  const line = await supervised.log.line(/^ERROR/);
  await produce(topic, [{ value: "event" }]);
  await eventually(() => endpoint.calls.length > 0, { deadlineMs: 30_000, what: "a call" });

  const refused = new RegExp(
    `is not started: eventResultProcessor\\[0\\] \\(kafka topic ${topic} on ${resultBroker}, which is ` +
      `kafka cluster \\S+ topic ${topic}\\): events would loop endlessly: this pipeline ` +
      "reads from there itself; configure another topic$",
  );
  assertMatch(line, refused);
  assertEquals(supervised.log.matching(/^ERROR|'round'/), [line]);
  assertMatch(supervised.readiness[0]?.reasons.join() ?? "", refused);
  await eventually(() => supervised.readiness[1]?.reasons.length === 0, {
    what: "the other one is ready",
  });
  assertEquals(endpoint.calls.map(({ path }) => path), ["/straight"]);
  supervised.stop();
  assertEquals(await supervised.end, "failed");
});

Deno.test("Supervisor does not start one pipeline of a ring, and starts the other one again and again", async () => {
  const [there, back] = [await freshTopic("there"), await freshTopic("back")];
  const [url, resultBroker] = ["http://127.0.0.1:1/", testBrokerByOtherName()];
  await using supervised = new Supervised([
    aPipeline({ name: "first", topic: there, results: back, resultBroker, url }),
    aPipeline({ name: "second", topic: back, results: there, resultBroker, url }),
  ], { workerUrl: BROKEN });

  const line = await supervised.log.line(/is not started/);
  const [refused = "", other = ""] = /'first' is not/.test(line)
    ? ["first", "second"]
    : ["second", "first"];
  await supervised.log.line(restartOf(other, ".*"), { count: 3 });

  assertMatch(line, new RegExp(`they would come back through '${other}'`));
  assertEquals(supervised.log.matching(/is not started/), [line]);
  assertEquals(supervised.log.matching(restartOf(refused, ".*")), []);
  supervised.stop();
  assertEquals(await supervised.end, "failed");
});

for (const name of ["hangs", "exits", "closes"]) {
  Deno.test(`Supervisor ends as hung, when a Worker ${name}`, async () => {
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", supervisingProcess(), name],
      // An empty input would end the pipeline in order.
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const text = await new Response(child.stdout).text();
    const { code } = await child.status;
    await child.stdin.close();
    assertMatch(
      text,
      new RegExp(`ERROR - pipeline '${name}' hangs: no heartbeat for 3 s`),
    );
    assertMatch(text, /^end: hung$/m);
    assertMatch(text, /^not ready: it hangs: no heartbeat for 3 s$/m);
    assertEquals(code, 1);
  });
}

Deno.test("Supervisor.stop() lets what runs finish, and starts nothing else", async () => {
  const answer = Promise.withResolvers<void>();
  await using endpoint = startEndpoint(() => answer.promise.then(() => new Response()));
  const topic = await freshTopic("supervisor");
  await produce(topic, [{ value: "first" }, { value: "second" }]);
  await using supervised = new Supervised([aPipeline({ topic, url: endpoint.url })]);
  await eventually(() => endpoint.calls.length === 1, { deadlineMs: 30_000, what: "the call" });

  supervised.stop();
  answer.resolve();

  assertEquals(await supervised.end, "ended");
  assertEquals(endpoint.calls.length, 1);
  assertEquals(await committedOffsets(topic, topic), new Map([[0, 1]]));
});

Deno.test("Supervisor.stop() gives up what takes longer than the shutdown may", async () => {
  await using endpoint = startEndpoint(() => new Promise(() => {}));
  const topic = await freshTopic("supervisor");
  await produce(topic, [{ value: "event" }]);
  await using supervised = new Supervised([aPipeline({ topic, url: endpoint.url })], {
    shutdownTimeoutMs: 300,
  });
  await eventually(() => endpoint.calls.length === 1, { deadlineMs: 30_000, what: "the call" });

  supervised.stop();

  assertEquals(await supervised.end, "ended");
  assertEquals(await committedOffsets(topic, topic), new Map([[0, 0]]));
});

Deno.test("Supervisor.stop() does not wait for a pipeline that is waiting to start again", async () => {
  const topic = freshName("missing");
  await using supervised = new Supervised([aPipeline({ topic, url: "http://127.0.0.1:1/" })]);
  await supervised.log.line(restartOf("orders", ".*"), { count: 2 });
  supervised.stop();
  assertEquals(await supervised.end, "ended");
});

Deno.test("Supervisor.stop() has nothing to report of a pipeline that still asks its broker who it is", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const broker = `127.0.0.1:${silent.addr.port}`;
  await using supervised = new Supervised([
    aPipeline({ topic: "orders", url: "http://127.0.0.1:1/", broker }),
  ]);
  using _connection = await silent.accept();
  supervised.stop();
  assertEquals(await supervised.end, "ended");
  assertEquals(supervised.log.matching(/WARN|ERROR/), []);
});

function restartOf(name: string, reason: string): RegExp {
  return new RegExp(`^ERROR - pipeline '${name}' stopped: ${reason}; restarting in`);
}

function stdioPipeline(name: string): PipelineConfig {
  return pipelineSchema.parse({
    name,
    eventListener: { type: "stdin" },
    eventHandler: { type: "http", url: "http://127.0.0.1:1/" },
  });
}

function supervisingProcess(): string {
  return new URL("../support/workers/supervising_process.ts", import.meta.url).pathname;
}
