import { assertEquals, assertMatch } from "@std/assert";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic, produce } from "../support/kafka/broker.ts";
import { fileOf, kafkaPipeline, stdioPipeline } from "../support/executable/pipeline_yaml.ts";

Deno.test("eventor is ready once it has joined, not while an event is blocked, and again when that is over", async () => {
  const topic = await freshTopic("readiness");
  const port = unusedPort();
  let isBroken = false;
  await using endpoint = startEndpoint(() => new Response(null, { status: isBroken ? 400 : 200 }));
  const settings = { admin: { address: `127.0.0.1:${port}`, readyAfter: "500ms" } };
  await using eventor = new EventorProcess(
    fileOf(kafkaPipeline({ topic, url: endpoint.url, logLevel: "INFO" }), settings),
  );
  const read = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
    return { status: response?.status, text: await response?.text() ?? "" };
  };
  const untilReadyz = (status: number) =>
    eventually(async () => (await read("/readyz")).status === status, {
      deadlineMs: 30_000,
      what: `/readyz has status ${status}`,
    });

  await untilReadyz(200);
  isBroken = true;
  await produce(topic, [{ key: "a", value: "secret payload" }]);
  await untilReadyz(503);
  const { text } = await read("/readyz");
  assertMatch(text, /cannot handle readiness-\S+\[0\]@0: status 400/);
  assertEquals(text.includes("secret payload"), false);
  assertEquals((await read("/livez")).status, 200);

  isBroken = false;
  await untilReadyz(200);
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);
});

Deno.test("eventor is alive and not ready, when no broker answers", async () => {
  const port = unusedPort();
  const settings = { admin: { address: `127.0.0.1:${port}` } };
  const broker = `127.0.0.1:${unusedPort()}`;
  await using eventor = new EventorProcess(
    fileOf(kafkaPipeline({ topic: "T", broker, url: "http://127.0.0.1:9/" }), settings),
  );
  await eventor.line(/admin: http/);
  const live = await fetch(`http://127.0.0.1:${port}/livez`);
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  assertEquals([live.status, await live.text(), ready.status], [200, "alive\n", 503]);
  await ready.body?.cancel();
});

Deno.test("eventor is ready, when the input of a pipeline has ended and the others go on", async () => {
  const topic = await freshTopic("readiness");
  const port = unusedPort();
  const settings = { admin: { address: `127.0.0.1:${port}` } };
  await using endpoint = startEndpoint();
  const { url } = endpoint;
  // Its standard input is empty.
  await using eventor = new EventorProcess(
    fileOf(stdioPipeline({ url }) + kafkaPipeline({ topic, url }), settings),
  );
  await eventor.line(/admin: http/);
  await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    await response.body?.cancel();
    return response.status === 200;
  }, { deadlineMs: 30_000, what: "/readyz has status 200" });
});

Deno.test("eventor exits with 1 and says why, when the admin interface cannot listen", async () => {
  await using endpoint = startEndpoint();
  const settings = { admin: { address: endpoint.host } };
  await using eventor = new EventorProcess(
    fileOf(kafkaPipeline({ topic: "T", url: endpoint.url }), settings),
  );
  assertEquals(await eventor.exit(), 1);
  assertMatch(
    eventor.lines.join("\n"),
    /admin: cannot listen on 127\.0\.0\.1:\d+: the address is already/,
  );
});
