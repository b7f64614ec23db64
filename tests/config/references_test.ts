import { FileError } from "../../src/config/external_values.ts";
import { assertEquals } from "@std/assert";
import { configOf, consumerText, pipelineText, problemsOf } from "./loading.ts";

const SURROUNDINGS = {
  variables: { HOST: "example.com", EMPTY: "", NUMBER: "20000", LEVEL: "1", NESTED: "${env:HOST}" },
  files: {
    "/run/secrets/token": "abc\n",
    "/two": "a\r\n",
    "/lines": "a\n\n",
    "/dev/zero": new FileError("it is larger than 1 MiB"),
  },
};
const NESTED = "a default cannot hold '{': a reference ends at the first '}'";
const TEMPLATES =
  "write ${event.key}, ${event.timestamp}, ${event.headers.NAME}, ${event.value.FIELD}, ${response.status}, " +
  "${response.headers.NAME} or ${response.body.FIELD}, or $${ for a literal ${";
const FACTS =
  "write ${event.key}, ${event.topic}, ${event.offset}, ${event.timestamp}, ${event.headers.NAME} or " +
  "${event.value.FIELD}";
const HELP = "write ${env:NAME} or ${file:/path}, or $${ for a literal ${";

Deno.test("references are replaced", async (t) => {
  const table: [string, string][] = [
    ["${env:HOST}", "example.com"],
    ["a ${env:HOST} b ${env:NUMBER}", "a example.com b 20000"],
    ["${env:ABSENT:-other}", "other"],
    ["${env:EMPTY:-other}", "other"],
    ["${env:ABSENT:-}", ""],
    ["${env:EMPTY}", ""],
    ["${env:HOST:-other}", "example.com"],
    ["${file:/run/secrets/token}", "abc"],
    ["${file:/two}", "a"],
    ["$${env:HOST}", "${env:HOST}"],
    ["$$ $ {a} $", "$$ $ {a} $"],
    ["${env:NESTED}", "${env:HOST}"],
  ];
  for (const [written, expected] of table) {
    await t.step(JSON.stringify(written), () => {
      const eventHandler = { type: "http", url: "http://localhost", headers: { a: written } };
      const config = configOf(pipelineText({ eventHandler }), SURROUNDINGS);
      const { headers } = config.pipelines[0]?.eventHandler as unknown as { headers: string[][] };
      assertEquals(headers, [["a", expected]]);
    });
  }
});

Deno.test("a reference takes the type that its key wants", () => {
  const text = consumerText({
    "session.timeout.ms": "${env:NUMBER}",
    "client.id": "${env:NUMBER}",
    "allow.auto.create.topics": "${env:ABSENT:-true}",
  }).replace('"orders"', '"${env:NUMBER}"');
  const { name, eventListener } = configOf(text, SURROUNDINGS).pipelines[0] ?? {};
  const { consumerConfig } = eventListener as unknown as { consumerConfig: unknown };
  const { sessionTimeoutMs, clientId, allowAutoTopicCreation } = consumerConfig as Record<
    string,
    unknown
  >;
  assertEquals([name, sessionTimeoutMs, clientId, allowAutoTopicCreation], [
    "20000",
    20_000,
    "20000",
    true,
  ]);
});

Deno.test("references that can't be resolved are problems, each at its place", async (t) => {
  const table: [string, string][] = [
    ["${env:ABSENT}", "the environment variable 'ABSENT' is not set"],
    ["${env:a b}", "expected the name of an environment variable, found 'a b'"],
    ["${file:/absent}", "cannot read the file '/absent' (NotFound)"],
    ["${file:/dev/zero}", "cannot read the file '/dev/zero': it is larger than 1 MiB"],
    ["${vault:a}", `unknown reference '\${vault:a}': ${HELP}`],
    ["${}", `unknown reference '\${}': ${HELP}`],
    ["${env:HOST", `a reference without a closing '}': ${HELP}`],
    ["${env:HOST:-${env:B}}", NESTED],
    ["${event.key:-{}}", NESTED],
    [
      "${event.kye}",
      `the listener's events have no such value '\${event.kye}': ${FACTS}`,
    ],
    [
      "${event.value}",
      `unknown template variable '\${event.value}': ${TEMPLATES}`,
    ],
    [
      "${event.headers.}",
      `unknown template variable '\${event.headers.}': ${TEMPLATES}`,
    ],
    [
      "${event.value.a..b}",
      `unknown template variable '\${event.value.a..b}': ${TEMPLATES}`,
    ],
    [
      "${response.state}",
      `unknown template variable '\${response.state}': ${TEMPLATES}`,
    ],
  ];
  for (const [written, message] of table) {
    await t.step(written, () => {
      const text = pipelineText({
        eventHandler: { type: "http", url: `http://localhost/${written}` },
      });
      assertEquals(problemsOf(text, SURROUNDINGS), [
        `pipeline 'orders': eventHandler.url: ${message}`,
      ]);
    });
  }
  await t.step("beside all other problems", () => {
    const text = pipelineText({
      logLevel: "${env:ABSENT}",
      eventListener: { type: "${env:ABSENT}" },
      eventHandler: { type: "http", url: "ftp://x" },
    });
    assertEquals(problemsOf(text, SURROUNDINGS), [
      "pipeline 'orders': eventListener.type: the environment variable 'ABSENT' is not set",
      "pipeline 'orders': logLevel: the environment variable 'ABSENT' is not set",
      "pipeline 'orders': eventHandler.url: expected an http:// or https:// URL, found 'ftp://x'",
    ]);
  });
});

Deno.test("keys are no place for references", () => {
  assertEquals(problemsOf(pipelineText({ "${env:HOST}": 1 }), SURROUNDINGS), [
    "pipeline 'orders': unknown key '${env:HOST}'",
  ]);
});

Deno.test("references put in no more than 16 MiB in all, in one text or in many", () => {
  const surroundings = { variables: {}, files: { "/large": "x".repeat(1024 * 1024) } };
  const reference = "${file:/large}";
  const problem = "all references together insert more than 16 MiB of text";
  const problemsOfHeaders = (headers: Record<string, string>) => {
    const eventHandler = { type: "http", url: "http://localhost", headers };
    return problemsOf(pipelineText({ eventHandler }), surroundings);
  };
  assertEquals(problemsOfHeaders({ a: reference.repeat(3000) }), [
    `pipeline 'orders': eventHandler.headers.a: ${problem}`,
  ]);
  const many = Array.from({ length: 3000 }, (_, index) => [`x-${index}`, reference]);
  assertEquals(problemsOfHeaders(Object.fromEntries(many)), [
    `pipeline 'orders': eventHandler.headers.x-16: ${problem}`,
  ]);
});
