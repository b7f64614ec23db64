import { assertEquals, assertMatch } from "@std/assert";
import { configOf, pipelineText, problemsOf } from "./loading.ts";

const PRODUCER = { "bootstrap.servers": "localhost:9092" };

function withHandler(keys: Record<string, unknown>): string {
  return pipelineText({ eventHandler: { type: "http", url: "http://localhost/", ...keys } });
}

function withProcessor(keys: Record<string, unknown>): string {
  return pipelineText({
    eventResultProcessor: {
      type: "kafka",
      topic: "RESULTS",
      when: ["onSuccess"],
      producerConfig: PRODUCER,
      ...keys,
    },
  });
}

const placeholder = (name: string, source: object, fallback?: string) => ({
  name,
  source,
  ...(fallback === undefined ? {} : { fallback }),
});

Deno.test("templates stand in path, query and headers of a request", () => {
  const text = withHandler({
    url: "http://localhost:8080/orders/${event.key}?id=${event.value.id:-0}&a=${env:A}",
    headers: { "X-Tenant": "t-${event.headers.tenant}", "X-Plain": "$${event.key}" },
    forwardHeaders: ["X-Trace", "ce_*", "*"],
  });
  const { pipelines: [pipeline] } = configOf(text, { variables: { A: "${event.key}" } });
  const handler = { ...pipeline?.eventHandler } as Record<string, unknown>;
  assertEquals(
    handler["url"],
    "http://localhost:8080/orders/${event.key}?id=${event.value.id:-0}&a=${event.key}",
  );
  assertEquals(handler["urlTemplate"], {
    origin: "http://localhost:8080",
    segments: [{ parts: ["orders"] }, { parts: [placeholder("event.key", { kind: "key" })] }],
    query: {
      parts: [
        "id=",
        placeholder("event.value.id", { kind: "value", path: ["id"] }, "0"),
        "&a=${event.key}",
      ],
    },
  });
  assertEquals(handler["headers"], [
    ["X-Tenant", {
      parts: ["t-", placeholder("event.headers.tenant", { kind: "header", name: "tenant" })],
    }],
    ["X-Plain", "${event.key}"],
  ]);
  assertEquals(handler["forwardHeaders"], ["X-Trace", "ce_*", "*"]);
});

Deno.test("templates stand in key, headers and topic of a result", () => {
  const text = withProcessor({
    topic: "RESULTS_${response.headers.region}",
    topics: ["RESULTS_EU", "RESULTS_US"],
    key: "${response.body.id}",
    headers: { source: "${event.topic}" },
  });
  const { pipelines: [pipeline] } = configOf(text);
  const [processor] = pipeline?.eventResultProcessor ?? [];
  assertEquals(processor?.templates, {
    key: { parts: [placeholder("response.body.id", { kind: "body", path: ["id"] })] },
    headers: [["source", { parts: [placeholder("event.topic", { kind: "fact", name: "topic" })] }]],
    destination: {
      template: {
        parts: [
          "RESULTS_",
          placeholder("response.headers.region", { kind: "responseHeader", name: "region" }),
        ],
      },
      allowed: ["RESULTS_EU", "RESULTS_US"],
    },
  });
});

Deno.test("templates are refused where they cannot stand", async (t) => {
  const inUrl = "expected an http:// or https:// URL with templates in its path and query alone";
  const noResponse = "there is no response yet: write '${event...}'";
  const table: [text: string, problem: string][] = [
    [withHandler({ url: "http://${event.key}/" }), `eventHandler.url: ${inUrl}`],
    [withHandler({ url: "${event.key}" }), `eventHandler.url: ${inUrl}`],
    [withHandler({ url: "http:///${event.key}" }), `eventHandler.url: ${inUrl}`],
    [
      withHandler({ url: "http://u:p@a/${event.key}" }),
      "eventHandler.url: expected a URL without user name and password: use 'auth' with 'type: basic'",
    ],
    [
      withHandler({ url: "http://a/#${event.key}" }),
      "eventHandler.url: expected a URL without '#': servers never see what follows it",
    ],
    [
      withHandler({ url: "http://a:0/${event.key}" }),
      "eventHandler.url: expected a port from 1 to 65535, found 0",
    ],
    [withHandler({ url: "http://a/${response.status}" }), `eventHandler.url: ${noResponse}`],
    [
      withHandler({ headers: { "X-A": "${response.status}" } }),
      `eventHandler.headers.X-A: ${noResponse}`,
    ],
    [
      withHandler({ headers: { "X-A": "ü${event.key}" } }),
      "eventHandler.headers.X-A: expected printable ASCII characters on one line, found others (***)",
    ],
    ...["Authorization", "Cookie"].map((name): [string, string] => [
      withHandler({ headers: { [name]: "Bearer ${event.key}" } }),
      `eventHandler.headers.${name}: this header cannot be made from events: their producer could choose the credentials`,
    ]),
    [
      withHandler({ forwardHeaders: ["authorization"] }),
      "eventHandler.forwardHeaders[0]: this header cannot be made from events: their producer could choose the credentials",
    ],
    ...["Host", "content-length", "Transfer-Encoding", "proxy-authorization"].map((
      name,
    ): [string, string] => [
      withHandler({ forwardHeaders: [name] }),
      "eventHandler.forwardHeaders[0]: this header cannot be set: the HTTP client sets it",
    ]),
    ...["eventor-key", "Idempotency-Key", "content-type"].map((name): [string, string] => [
      withHandler({ forwardHeaders: [name] }),
      "eventHandler.forwardHeaders[0]: each request has this header without configuration",
    ]),
    [
      withHandler({ headers: { "X-A": "a" }, forwardHeaders: ["b", "x-a"] }),
      "eventHandler.forwardHeaders[1]: 'headers' sets this header: remove one of the two",
    ],
    [
      withHandler({ forwardHeaders: ["a*b"] }),
      "eventHandler.forwardHeaders[0]: '*' stands for the rest of a name: write it once, at the end",
    ],
    [
      withHandler({ forwardHeaders: ["**"] }),
      "eventHandler.forwardHeaders[0]: '*' stands for the rest of a name: write it once, at the end",
    ],
    [
      withHandler({ forwardHeaders: ["*-id"] }),
      "eventHandler.forwardHeaders[0]: '*' stands for the rest of a name: write it once, at the end",
    ],
    [
      withHandler({ forwardHeaders: ["a b*"] }),
      "eventHandler.forwardHeaders[0]: no HTTP header name begins with 'a b'",
    ],
    [
      withHandler({ forwardHeaders: ["Proxy-*"] }),
      "eventHandler.forwardHeaders[0]: this header cannot be set: the HTTP client sets it",
    ],
    [
      withHandler({ forwardHeaders: ["Eventor-*"] }),
      "eventHandler.forwardHeaders[0]: each request has these headers without configuration",
    ],
    [
      withHandler({ forwardHeaders: ["Authorization*"] }),
      "eventHandler.forwardHeaders[0]: this header cannot be made from events: their producer could choose the credentials",
    ],
    [
      withHandler({ forwardHeaders: ["a b"] }),
      "eventHandler.forwardHeaders[0]: 'a b' is not the name of an HTTP header",
    ],
    [
      withHandler({ method: "${event.key}" }),
      "eventHandler.method: expected text in quotes, found a template, which is not allowed here",
    ],
    [
      withProcessor({ topic: "R_${event.key}" }),
      "eventResultProcessor.topics: required, because 'topic' holds templates: list all topics that they may produce",
    ],
    [
      withProcessor({ topics: ["A"] }),
      "eventResultProcessor.topics: goes with a 'topic' that holds templates only",
    ],
    [
      withProcessor({ headers: { "eventor-status": "x" } }),
      "eventResultProcessor.headers.eventor-status: headers that begin with 'eventor-' are reserved",
    ],
    [
      withProcessor({ headers: { a: 1 } }),
      "eventResultProcessor.headers.a: expected text in quotes, which may hold templates, found a number",
    ],
    [
      withProcessor({ producerConfig: { "bootstrap.servers": "${event.key}" } }),
      "eventResultProcessor.producerConfig['bootstrap.servers']: expected 'host' or 'host:port', separated by commas, found a template, which is not allowed here",
    ],
  ];
  for (const [text, problem] of table) {
    await t.step(problem, () => assertEquals(problemsOf(text), [`pipeline 'orders': ${problem}`]));
  }
});

Deno.test("templates are refused for facts that the listener's events do not have, with all other problems", () => {
  const written = (facts: string) =>
    `write ${facts}, \${event.timestamp}, \${event.headers.NAME} or \${event.value.FIELD}`;
  const line = written("${event.key}, ${event.topic}, ${event.offset}");
  const text = pipelineText({
    eventHandler: {
      type: "http",
      url: "http://localhost/${event.topic}/${event.partition}",
      headers: { "X-Place": "${event.partition:-none}" },
      timeout: "soon",
    },
    eventResultProcessor: { type: "stdout", when: "onSuccess", key: "${event.lane}" },
  });
  const problems = problemsOf(text);
  assertEquals(problems.slice(0, 3), [
    `pipeline 'orders': eventHandler.url: the listener's events have no such value '\${event.partition}': ${line}`,
    `pipeline 'orders': eventHandler.headers.X-Place: the listener's events have no such value: ${line}`,
    `pipeline 'orders': eventResultProcessor.key: the listener's events have no such value '\${event.lane}': ${line}`,
  ]);
  assertMatch(problems[3] ?? "", /eventHandler\.timeout/);
  assertEquals(problems.length, 4);
});

Deno.test("templates may name the facts of any listener, while the listener is not valid", () => {
  const handler = { type: "http", url: "http://localhost/${event.partition}/${event.offset}" };
  const text = pipelineText({ eventListener: { type: "nats" }, eventHandler: handler });
  assertEquals(problemsOf(text).map((problem) => /eventListener|event\.\w+/.exec(problem)?.[0]), [
    "eventListener",
  ]);
});
