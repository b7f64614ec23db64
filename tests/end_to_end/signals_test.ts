import { assert, assertEquals } from "@std/assert";
import { startBroker } from "../../tools/kafka/mod.ts";
import {
  type Call,
  echo,
  type Endpoint,
  startEndpoint,
  unusedPort,
} from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually, inTime } from "../support/eventually.ts";
import { committedOffsets, freshTopic, produce, readTopic } from "../support/kafka/broker.ts";
import { fileOf, kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

/** What it may take to leave the group and end, on a busy machine. */
const LEAVE_MS = 4000;

/** Two fresh topics, and events in the first one. */
async function topicsWith(values: readonly string[], { broker }: { broker?: string } = {}) {
  const options = broker === undefined ? {} : { broker };
  const topic = await freshTopic("signals", options);
  const results = await freshTopic("signals-results", options);
  await produce(topic, values.map((value) => ({ value })), options);
  return { topic, results };
}

async function valuesOf(topic: string): Promise<string[]> {
  return (await readTopic(topic)).map(({ value }) => new TextDecoder().decode(value ?? undefined));
}

function bodiesOf({ calls }: Endpoint): string[] {
  return calls.map(({ body }: Call) => new TextDecoder().decode(body));
}

async function firstCall(endpoint: Endpoint): Promise<void> {
  await eventually(() => endpoint.calls.length > 0, { deadlineMs: 20_000, what: "a call" });
}

/** Resolves with the exit code, after at most `deadlineMs`. */
async function exitOf(
  eventor: EventorProcess,
  deadlineMs: number,
): Promise<{ code: number; elapsedMs: number }> {
  const { value: code, elapsedMs } = await inTime(eventor.exit(), {
    deadlineMs,
    what: `the exit; its log ends with\n${eventor.lines.slice(-15).join("\n")}`,
  });
  return { code, elapsedMs };
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`eventor finishes the call in flight, commits it and exits with 0, when ${signal} comes`, async () => {
    const { topic, results } = await topicsWith(["a", "b", "c"]);
    const answering = Promise.withResolvers<void>();
    await using endpoint = startEndpoint(async (call) => {
      await answering.promise;
      return echo(call);
    });
    const config = kafkaPipeline({ topic, results, url: endpoint.url });
    {
      await using eventor = new EventorProcess(config);
      await firstCall(endpoint);
      eventor.signal(signal);
      await eventor.line(new RegExp(`${signal}: finishing events in flight`));
      answering.resolve();
      assertEquals((await exitOf(eventor, LEAVE_MS)).code, 0);
    }
    assertEquals(await valuesOf(results), ["a"]);
    assertEquals(await committedOffsets(topic, topic), new Map([[0, 1]]));

    await using eventor = new EventorProcess(config);
    await eventor.line(
      new RegExp(`successfully produced EventHandler result: ${results}\\[0\\]@2`),
    );
    assertEquals(bodiesOf(endpoint), ["a", "b", "c"]);
    assertEquals(await valuesOf(results), ["a", "b", "c"]);
  });
}

Deno.test("eventor gives up a call that hangs after shutdownTimeout, and handles its event at the next start", async () => {
  const { topic, results } = await topicsWith(["a"]);
  await using endpoint = startEndpoint((call, number) =>
    number === 0 ? new Promise<Response>(() => {}) : echo(call)
  );
  const config = fileOf(kafkaPipeline({ topic, results, url: endpoint.url }), {
    shutdownTimeout: "1s",
  });
  {
    await using eventor = new EventorProcess(config);
    await firstCall(endpoint);
    eventor.signal("SIGTERM");
    const { code, elapsedMs } = await exitOf(eventor, 1000 + LEAVE_MS);
    assertEquals(code, 0);
    assert(elapsedMs > 900, `it has not waited: ${elapsedMs} ms`);
  }
  assertEquals(await valuesOf(results), []);

  await using eventor = new EventorProcess(config);
  await eventor.line(/successfully produced EventHandler result/);
  assertEquals(bodiesOf(endpoint), ["a", "a"]);
  assertEquals(await valuesOf(results), ["a"]);
});

for (const onFailure of ["a dead letter", "discard"] as const) {
  Deno.test(`eventor leaves events undone whose calls end with 503 after SIGTERM, and handles them at the next start (${onFailure})`, async () => {
    const events = Array.from({ length: 100 }, (_, event) => `event ${event}`);
    const topic = await freshTopic("signals");
    const deadLetters = await freshTopic("signals-dead");
    await produce(topic, events.map((value) => ({ key: value, value })));
    const draining = Promise.withResolvers<void>();
    let isDraining = true;
    await using endpoint = startEndpoint(async (call) => {
      if (!isDraining) return echo(call);
      await draining.promise;
      return new Response("draining", { status: 503 });
    });
    const config = kafkaPipeline({
      topic,
      url: endpoint.url,
      keys: { concurrency: 64 },
      handler: {
        retry: { maxAttempts: 1 },
        ...(onFailure === "discard" ? { onFailure } : {}),
      },
      ...(onFailure === "discard" ? {} : { deadLetters }),
    });
    {
      await using eventor = new EventorProcess(config);
      await eventually(() => endpoint.calls.length === 64, {
        deadlineMs: 20_000,
        what: "64 calls in flight",
      });
      eventor.signal("SIGTERM");
      await eventor.line(/SIGTERM: finishing events in flight/);
      draining.resolve();
      // Far less than shutdownTimeout: nothing is waited for.
      assertEquals((await exitOf(eventor, LEAVE_MS)).code, 0);
      await eventor.line(/stays unfinished, as the pipeline stops: status 503/);
    }
    assertEquals(await valuesOf(deadLetters), []);
    assertEquals(await committedOffsets(topic, topic), new Map([[0, 0]]));

    isDraining = false;
    await using eventor = new EventorProcess(config);
    await eventually(async () => (await committedOffsets(topic, topic)).get(0) === events.length, {
      deadlineMs: 20_000,
      what: "all events are committed",
    });
    assertEquals(new Set(bodiesOf(endpoint).slice(64)), new Set(events));
    assertEquals(await valuesOf(deadLetters), []);
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  });
}

Deno.test("eventor exits with 1 at once, when a second signal comes", async () => {
  const { topic } = await topicsWith(["a"]);
  await using endpoint = startEndpoint(() => new Promise<Response>(() => {}));
  await using eventor = new EventorProcess(kafkaPipeline({ topic, url: endpoint.url }));
  await firstCall(endpoint);
  eventor.signal("SIGTERM");
  await eventor.line(/SIGTERM: finishing events in flight/);
  eventor.signal("SIGINT");
  assertEquals((await exitOf(eventor, 1500)).code, 1);
  await eventor.line(/WARN - second signal \(SIGINT\): exiting immediately/);
});

Deno.test("eventor does not wait for the next attempt, when SIGTERM comes in between", async () => {
  const { topic } = await topicsWith(["a"]);
  const url = `http://127.0.0.1:${unusedPort()}/`;
  await using eventor = new EventorProcess(kafkaPipeline({ topic, url }));
  await eventor.line(/connection refused; trying again in ([3-9]|\d\d)\.\d s/);
  eventor.signal("SIGTERM");
  assertEquals((await exitOf(eventor, 2500)).code, 0);
  assertEquals(await committedOffsets(topic, topic), new Map([[0, 0]]));
});

Deno.test("eventor exits with 0 soon, when SIGTERM comes and no broker has ever answered", async () => {
  const broker = `127.0.0.1:${unusedPort()}`;
  const pipeline = kafkaPipeline({ broker, topic: "any", url: "http://127.0.0.1:9/" });
  await using eventor = new EventorProcess(pipeline);
  await eventor.line(/cannot reach brokers/);
  eventor.signal("SIGTERM");
  assertEquals((await exitOf(eventor, LEAVE_MS)).code, 0);
});

Deno.test("eventor exits with 0 within shutdownTimeout, when SIGTERM comes and the broker has gone away", async () => {
  await using broker = await startBroker({ requireJvm: true });
  const { bootstrapServer } = broker;
  const { topic, results } = await topicsWith(["a", "b"], { broker: bootstrapServer });
  const answering = Promise.withResolvers<void>();
  await using endpoint = startEndpoint(async (call, number) => {
    if (number === 1) await answering.promise;
    return echo(call);
  });
  const pipeline = kafkaPipeline({ broker: bootstrapServer, topic, results, url: endpoint.url });
  await using eventor = new EventorProcess(fileOf(pipeline, { shutdownTimeout: "2s" }));
  await eventually(() => endpoint.calls.length === 2, { deadlineMs: 20_000, what: "two calls" });
  await broker.kill();
  answering.resolve();
  await eventor.line(/ECONNREFUSED/);
  eventor.signal("SIGTERM");
  assertEquals((await exitOf(eventor, 2000 + LEAVE_MS)).code, 0);
});

const AS_PID_1 = ["unshare", "--pid", "--fork", "--kill-child"];

/** Why this user cannot start a process as PID 1; empty when it can. */
function noPid1Because(): string {
  try {
    const { success, stderr } = new Deno.Command(AS_PID_1[0] ?? "", {
      args: [...AS_PID_1.slice(1), "true"],
    }).outputSync();
    return success ? "" : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const noPid1 = noPid1Because();

Deno.test({
  name: `eventor finishes, commits and exits with 0 on SIGTERM, when it is PID 1${
    noPid1 === "" ? "" : ` (skipped: ${noPid1})`
  }`,
  ignore: noPid1 !== "",
  async fn() {
    const { topic, results } = await topicsWith(["a"]);
    await using endpoint = startEndpoint();
    const config = kafkaPipeline({ topic, results, url: endpoint.url });
    await using eventor = new EventorProcess(config, { starter: AS_PID_1 });
    await eventor.line(/successfully produced EventHandler result/);
    const children = `/proc/${eventor.pid}/task/${eventor.pid}/children`;
    const pid = Number(await Deno.readTextFile(children));
    Deno.kill(pid, "SIGTERM");
    assertEquals((await exitOf(eventor, LEAVE_MS)).code, 0);
    assertEquals(await committedOffsets(topic, topic), new Map([[0, 1]]));
  },
});
