import { assertEquals, assertStringIncludes } from "@std/assert";
import { CA_FILE, certifiedKey } from "../support/tls/certificates.ts";
import { type Respond, startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { type CommandEnd, configFile, runEventor } from "../support/executable/eventor_process.ts";
import {
  kafkaPipeline,
  type PipelineYaml,
  stdioPipeline,
} from "../support/executable/pipeline_yaml.ts";
import { startRawEndpoint } from "../support/http/raw_endpoint.ts";

/** Runs the command for a pipeline that is configured so. */
async function tryOut(
  config: string,
  { args = [], input = "value", env = {} }: {
    args?: readonly string[];
    input?: string | Uint8Array;
    env?: Record<string, string>;
  } = {},
): Promise<CommandEnd> {
  using file = configFile(config);
  const name = /name: (\S+)/.exec(config)?.[1] ?? "";
  return await runEventor(["try", "-f", file.path, "--pipeline", name, ...args], { input, env });
}

/** A pipeline whose brokers refuse every connection. */
function withoutBroker(pipeline: Partial<PipelineYaml> & { url: string }): string {
  return kafkaPipeline({
    topic: "ORDERS",
    results: "RESULTS",
    broker: `127.0.0.1:${unusedPort()}`,
    ...pipeline,
  });
}

/** The lines of a part of the output, without what all of them begin with. */
function linesOf({ stdout }: CommandEnd, prefix: string): string[] {
  return stdout.split("\n").filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length + 1));
}

Deno.test("eventor try shows the request as the endpoint received it, the response and the record", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.write(
      "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nX-A: 1\r\ncontent-length: 6\r\n\r\nanswer",
    );
  });
  const url = `http://${endpoint.host}/orders/\${event.key}?from=\${event.headers.shop}`;
  const config = withoutBroker({ url, headers: { Authorization: "Bearer s3cr3t-token" } });
  const end = await tryOut(config, {
    args: ["--key", "a/1", "--header", "shop=x", "--header", "tenant=y=z"],
    input: "first\nsecond",
  });

  assertEquals([end.code, end.stderr], [0, ""]);
  const [request] = endpoint.requests;
  const [requestLine, ...lines] = linesOf(end, ">");
  assertEquals(requestLine, "POST /orders/a%2F1?from=x HTTP/1.1");
  assertEquals(requestLine, request?.requestLine);
  const received = [...request?.headers ?? []]
    .map(([name, value]) => name === "authorization" ? `${name}: ***` : `${name}: ${value}`);
  const blank = lines.indexOf("");
  assertEquals(
    lines.slice(0, blank).map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())),
    received,
  );
  assertEquals(lines.slice(blank + 1), ["first", "second"]);
  assertEquals(linesOf(end, "<"), [
    "HTTP 201",
    "content-type: text/plain",
    "x-a: 1",
    "content-length: 6",
    "",
    "answer",
  ]);
  const record = end.stdout.slice(end.stdout.indexOf("\nsuccess:"));
  const broker = /RESULTS on (\S+)/.exec(record)?.[1];
  assertEquals(
    record,
    `
success: status 201
a running pipeline would
  - publish the result to each eventResultProcessor for onSuccess (1)

record 1 of 1, not published: kafka topic RESULTS on ${broker}
  key: a/1
  headers:
    shop: x
    tenant: y=z
    content-type: text/plain
    eventor-status: 201
    eventor-source-topic: ORDERS
    eventor-source-partition: 0
    eventor-source-offset: 0
  value:
    answer
`,
  );
  assertEquals(endpoint.acceptedConnections, 1);
});

Deno.test("eventor try asks no broker", async () => {
  let connections = 0;
  await using broker = startRawEndpoint(() => {
    connections++;
    return Promise.resolve();
  });
  await using endpoint = startEndpoint();
  const { code } = await tryOut(withoutBroker({ url: endpoint.url, broker: broker.host }));
  assertEquals([code, connections, endpoint.calls.length], [0, 0, 1]);
});

Deno.test("eventor try sends standard input byte for byte, and shows what is no text safely", async () => {
  await using endpoint = startEndpoint(() =>
    new Response("\x1b[2J\r\n> forged\n\nsuccess: forged")
  );
  const input = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const end = await tryOut(stdioPipeline({ url: endpoint.url }), { input });
  assertEquals(endpoint.calls[0]?.body, input);
  assertStringIncludes(end.stdout, "\n> (no UTF-8 text: 256 bytes, in base64)\n> AAECAwQF");
  assertEquals(
    linesOf(end, "<").slice(-4),
    [
      "\\u{1b}[2J\\u{d}",
      "> forged",
      "",
      "success: forged",
    ].map((line) => line),
  );
  assertEquals(end.stdout.match(/^success/gm)?.length, 1);
});

Deno.test("eventor try takes no input for an empty value", async () => {
  await using endpoint = startEndpoint(() => new Response(null, { status: 204 }));
  const end = await tryOut(stdioPipeline({ url: endpoint.url }), { input: "" });
  assertEquals([end.code, endpoint.calls[0]?.body.length], [0, 0]);
  assertEquals(endpoint.calls[0]?.headers.has("eventor-tombstone"), false);
  assertStringIncludes(end.stdout, "record 1 of 1, not published: standard output");
  assertStringIncludes(end.stdout, "value:\n    (empty)\n");
});

Deno.test("eventor try calls an https:// endpoint", async () => {
  await using endpoint = startEndpoint(undefined, { tls: certifiedKey() });
  const { code, stdout } = await tryOut(stdioPipeline({ url: endpoint.url }), {
    env: { DENO_CERT: CA_FILE },
  });
  assertEquals([code, endpoint.calls.length], [0, 1]);
  assertStringIncludes(stdout, `request: POST ${endpoint.url}\n`);
  assertStringIncludes(stdout, `> host: ${new URL(endpoint.url).host}\n`);
});

const status = (status: number): Respond => () => new Response("refused", { status });

const ENDS: readonly {
  name: string;
  respond: Respond;
  pipeline?: Partial<PipelineYaml>;
  code: number;
  shows: readonly string[];
}[] = [
  {
    name: "an error that is published",
    respond: status(422),
    pipeline: { errors: "ERRORS" },
    code: 0,
    shows: ["error response: status 422\n", "kafka topic ERRORS on", "eventor-status: 422\n"],
  },
  {
    name: "an error that may pass",
    respond: status(503),
    pipeline: { errors: "ERRORS", handler: { retry: { maxAttempts: 4, initialDelay: "2s" } } },
    code: 1,
    shows: ["  - call again after up to 2.0 s, up to 4 calls in all\n", "kafka topic ERRORS on"],
  },
  {
    name: "an error that becomes a dead letter",
    respond: status(422),
    pipeline: { deadLetters: "DEAD" },
    code: 1,
    shows: [
      "  - publish a dead letter\n",
      "  - log: dead letter of ORDERS[0]@0: status 422, and no eventResultProcessor is configured for onError\n",
      "record 1 of 1, not published: kafka topic DEAD on",
      "eventor-dead-letter-reason: status\n",
    ],
  },
  {
    name: "a response that is too large",
    respond: () => new Response("x".repeat(100)),
    pipeline: { errors: "ERRORS", handler: { maxResponseBytes: 10 } },
    code: 0,
    shows: ["(response larger than maxResponseBytes", "eventor-error: response larger than"],
  },
  {
    name: "an event that has nothing for a template",
    respond: status(200),
    pipeline: { headers: { "X-Id": "${event.value.id}" } },
    code: 1,
    shows: ["no value for ${event.value.id}", "  - block: "],
  },
];

for (const { name, respond, pipeline, code, shows } of ENDS) {
  Deno.test(`eventor try exits with ${code} and says what becomes of ${name}`, async () => {
    await using endpoint = startEndpoint(respond);
    const end = await tryOut(withoutBroker({ url: endpoint.url, ...pipeline }));
    assertEquals(end.code, code, end.stdout + end.stderr);
    for (const text of shows) assertStringIncludes(end.stdout, text);
  });
}

Deno.test("eventor try exits with 1 and shows the request, when there is no endpoint", async () => {
  const url = `http://127.0.0.1:${unusedPort()}/orders?sig=s3cr3t`;
  const { code, stdout, stderr } = await tryOut(withoutBroker({ url }));
  assertEquals([code, stderr], [1, ""]);
  assertStringIncludes(stdout, "> POST /orders?sig=*** HTTP/1.1\n");
  assertStringIncludes(stdout, "/orders': connection refused\na running pipeline would\n");
  assertStringIncludes(stdout, "  - call again, with growing pauses, until the endpoint answers");
});

Deno.test("eventor try exits with 2, when there is nothing to try", async () => {
  const config = stdioPipeline({ url: "http://127.0.0.1:9/" });
  using file = configFile(config);
  const unknown = await runEventor(["try", "-f", file.path, "--pipeline", "other"]);
  assertEquals([unknown.code, unknown.stdout, unknown.stderr], [
    2,
    "",
    "eventor: no pipeline is named 'other'; the file has: 'lines'\n",
  ]);
  const fromInput = await runEventor(["try", "-f", "-", "--pipeline", "lines"], { input: config });
  assertEquals([fromInput.code, fromInput.stderr], [
    2,
    "eventor: -f - is not possible here: the payload is read from standard input\n",
  ]);
});
