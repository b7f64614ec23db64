import { assertEquals } from "@std/assert";
import { discover } from "../../src/process/discovery.ts";
import { KAFKAJS_ENVIRONMENT } from "../../src/transports/kafka/mod.ts";
import { type Endpoint, startEndpoint } from "../support/http/endpoint.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic, produce, testBroker } from "../support/kafka/broker.ts";
import {
  type Outcomes,
  outcomesIn,
  type Probe,
  type ProbedPipeline,
} from "../support/workers/probes.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { aPipeline, Supervised } from "../support/workers/supervised.ts";

Deno.test("a running pipeline reaches its endpoint and its brokers, and no other host", async () => {
  await using granted = startEndpoint(redirectByPath);
  await using other = startEndpoint();
  const sameByName = granted.host.replace("127.0.0.1", "localhost");
  const brokerByName = testBroker().replace("127.0.0.1", "localhost");

  const outcomes = await probePipeline(granted, [
    { name: "endpoint", ...fetchOf(granted.url) },
    { name: "connection to the endpoint", ...connectionTo(granted.host) },
    { name: "broker", ...connectionTo(testBroker()) },
    { name: "redirect to the endpoint", ...fetchOf(redirecting(granted, granted.url)) },
    { name: "other port", ...fetchOf(other.url) },
    { name: "connection to another port", ...connectionTo(other.host) },
    { name: "redirect to another port", ...fetchOf(redirecting(granted, other.url)) },
    {
      name: "two redirects to another port",
      ...fetchOf(redirecting(granted, redirecting(granted, other.url))),
    },
    { name: "same by name", ...fetchOf(`http://${sameByName}/`) },
    { name: "connection to the same by name", ...connectionTo(sameByName) },
    {
      name: "redirect to the same by name",
      ...fetchOf(redirecting(granted, `http://${sameByName}/`)),
    },
    { name: "broker by name", ...connectionTo(brokerByName) },
    { name: "other host", ...fetchOf("http://example.com/") },
    { name: "connection to another host", ...connectionTo("192.0.2.1:80") },
    { name: "redirect to another host", ...fetchOf(redirecting(granted, "http://192.0.2.1/")) },
    { name: "name service", does: "lookUp" },
    { name: "unix socket", does: "unixSocket" },
  ]);

  assertEquals(outcomes, {
    "endpoint": "allowed",
    "connection to the endpoint": "allowed",
    "broker": "allowed",
    "redirect to the endpoint": "allowed",
    "other port": "NotCapable",
    "connection to another port": "NotCapable",
    "redirect to another port": "NotCapable",
    "two redirects to another port": "NotCapable",
    "same by name": "NotCapable",
    "connection to the same by name": "NotCapable",
    "redirect to the same by name": "NotCapable",
    "broker by name": "NotCapable",
    "other host": "NotCapable",
    "connection to another host": "NotCapable",
    "redirect to another host": "NotCapable",
    "name service": "NotCapable",
    "unix socket": "NotCapable",
  });
  assertEquals(other.calls.length, 0);
});

const FORBIDDEN: readonly Probe[] = [
  { name: "read a file", does: "read" },
  { name: "read a directory", does: "readDirectory" },
  { name: "write", does: "write" },
  { name: "run", does: "run" },
  { name: "ffi", does: "ffi" },
  { name: "sys", does: "sys" },
  { name: "all environment variables", does: "allEnv" },
  { name: "another environment variable", does: "env", variable: "PATH" },
  { name: "a Worker with more rights", does: "moreRights" },
  { name: "ask for more", does: "askForMore" },
];

Deno.test("a running pipeline can do nothing else to its machine", async () => {
  await using granted = startEndpoint(() =>
    new Response("", { headers: { "content-type": "text/javascript" } })
  );
  assertEquals(
    await probePipeline(granted, [
      ...FORBIDDEN,
      { name: "import from the endpoint", does: "import", url: granted.url },
      { name: "import of a file", does: "import", url: import.meta.url },
      ...KAFKAJS_ENVIRONMENT.map((variable): Probe => ({ name: variable, does: "env", variable })),
    ]),
    {
      ...allOf(FORBIDDEN.map(({ name }) => name), "NotCapable"),
      "import from the endpoint": "NotCapable",
      "import of a file": "NotCapable",
      ...allOf(KAFKAJS_ENVIRONMENT, "allowed"),
    },
  );
});

Deno.test("discovery reaches the bootstrap servers, and neither the endpoint nor any other host", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("sandbox");
  const pipeline: ProbedPipeline = {
    ...aPipeline({ topic, url: endpoint.url }),
    probes: [
      ...FORBIDDEN,
      { name: "broker", ...connectionTo(testBroker()) },
      { name: "endpoint", ...fetchOf(endpoint.url) },
      { name: "connection to the endpoint", ...connectionTo(endpoint.host) },
      { name: "other host", ...connectionTo("192.0.2.1:80") },
    ],
  };
  const log = new RecordedLog();

  const [listener, ...others] = await discover(pipeline, {
    log: log.sink,
    signal: new AbortController().signal,
    workerUrl: new URL("../support/workers/probed_discovery_worker.ts", import.meta.url),
  });

  assertEquals(listener?.hosts, [testBroker()]);
  assertEquals(others, [{ hosts: [], destinations: [] }]);
  assertEquals(outcomesIn(log.records), {
    ...allOf(FORBIDDEN.map(({ name }) => name), "NotCapable"),
    "broker": "allowed",
    "endpoint": "NotCapable",
    "connection to the endpoint": "NotCapable",
    "other host": "NotCapable",
  });
  assertEquals(endpoint.calls.length, 0);
});

Deno.test("the hosts that a pipeline may connect to are logged, and nothing more is on the list", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("sandbox");
  const results = await freshTopic("sandbox-results");
  await using supervised = new Supervised([
    aPipeline({ topic, results, url: endpoint.url }),
  ]);

  const line = await supervised.log.line(/may connect to/);

  const hosts = [testBroker(), endpoint.host].sort().join(", ");
  assertEquals(line, `INFO - pipeline 'orders' may connect to ${hosts}, and nothing else`);
});

/** What comes of probes in the Worker of a pipeline that has just handled an event. */
async function probePipeline(endpoint: Endpoint, probes: readonly Probe[]): Promise<Outcomes> {
  const topic = await freshTopic("sandbox");
  await produce(topic, [{ value: "event" }]);
  const pipeline: ProbedPipeline = { ...aPipeline({ topic, url: `${endpoint.url}event` }), probes };
  await using supervised = new Supervised([pipeline], {
    workerUrl: new URL("../support/workers/probed_pipeline_worker.ts", import.meta.url),
  });
  await eventually(() => endpoint.calls.some(({ path }) => path === "/event"), {
    deadlineMs: 30_000,
    what: "the call for the event",
  });
  await eventually(() => outcomesIn(supervised.log.records) !== undefined, {
    deadlineMs: 30_000,
    what: "the outcomes of the probes",
  });
  return outcomesIn(supervised.log.records) ?? {};
}

function redirectByPath({ path }: { path: string }): Response {
  const location = path.startsWith("/to/") ? decodeURIComponent(path.slice("/to/".length)) : null;
  return location === null
    ? new Response()
    : new Response(null, { status: 302, headers: { location } });
}

function redirecting({ url }: Endpoint, target: string): string {
  return `${url}to/${encodeURIComponent(target)}`;
}

function fetchOf(url: string) {
  return { does: "fetch", url } as const;
}

function connectionTo(host: string) {
  const { hostname, port } = new URL(`http://${host}/`);
  return { does: "connect", hostname, port: Number(port || 80) } as const;
}

function allOf(names: readonly string[], outcome: string): Outcomes {
  return Object.fromEntries(names.map((name) => [name, outcome]));
}
