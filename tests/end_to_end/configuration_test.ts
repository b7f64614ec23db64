import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { configFile, runEventor } from "../support/executable/eventor_process.ts";

const VALID = `
- name: orders
  eventListener:
    type: kafka
    topic: ORDERS
    consumerConfig: { bootstrap.servers: localhost, group.id: orders }
  eventHandler: { type: http, url: "http://localhost:8080/orders" }
  eventResultProcessor:
    type: kafka
    topic: RESULTS
    when: [onSuccess]
    producerConfig: { bootstrap.servers: localhost }
`;

/** What is wrong with `text`, with the name of its file taken off each line. */
async function problemsOf(
  text: string,
  { env = {} }: { env?: Record<string, string> } = {},
): Promise<string[]> {
  using file = configFile(text);
  const { code, stdout, stderr } = await runEventor(["-f", file.path], { env });
  assertEquals({ code, stdout }, { code: 2, stdout: "" }, stderr);
  const lines = stderr.trimEnd().split("\n");
  for (const line of lines) assertStringIncludes(line, `${file.path}: `);
  return lines.map((line) => line.replace(`${file.path}: `, ""));
}

const BAD_CONFIGURATIONS: readonly [what: string, text: string, problems: string[]][] = [
  ["is empty", "", ["empty"]],
  ["holds no list", "hello", ["expected a list of pipelines, or a mapping with 'pipelines'"]],
  ["lists no pipeline", "[]", ["there are no pipelines"]],
  ["has a misspelt key", VALID.replace("url:", "ulr:"), [
    "pipeline 'orders': eventHandler.url: required",
    "pipeline 'orders': eventHandler: unknown key 'ulr', did you mean 'url'?",
  ]],
  [
    "has a misspelt key of Kafka's",
    VALID.replace("group.id: orders", "group.id: orders, auto.ofset.reset: earliest"),
    [
      "pipeline 'orders': eventListener.consumerConfig: unknown key 'auto.ofset.reset', " +
      "did you mean 'auto.offset.reset'?",
    ],
  ],
  ["has values of the wrong types", VALID.replace("topic: ORDERS", "topic: [1]"), [
    "pipeline 'orders': eventListener.topic: expected text in quotes, found a list",
  ]],
  ["names a port that cannot be", VALID.replaceAll("localhost,", "localhost:99999,"), [
    "pipeline 'orders': eventListener.consumerConfig['bootstrap.servers']: expected 'host' or " +
    "'host:port', separated by commas, found 'localhost:99999'",
  ]],
  ["names a transport that does not exist", VALID.replace("type: http", "type: htp"), [
    "pipeline 'orders': eventHandler.type: expected 'http', found 'htp'",
  ]],
  [
    "refers to what is not there",
    VALID.replace("topic: ORDERS", 'topic: "${env:EVENTOR_TEST_UNSET}"')
      .replace("topic: RESULTS", 'topic: "${file:/no/such/file}"'),
    [
      "pipeline 'orders': eventListener.topic: the environment variable 'EVENTOR_TEST_UNSET' is " +
      "not set",
      "pipeline 'orders': eventResultProcessor.topic: cannot read the file '/no/such/file' " +
      "(NotFound)",
    ],
  ],
  [
    "refers to what has no end, and to a directory",
    VALID.replace("topic: ORDERS", 'topic: "${file:/dev/zero}"')
      .replace("topic: RESULTS", 'topic: "${file:/}"'),
    [
      "pipeline 'orders': eventListener.topic: cannot read the file '/dev/zero': it is larger " +
      "than 1 MiB",
      "pipeline 'orders': eventResultProcessor.topic: cannot read the file '/': it is a directory",
    ],
  ],
  ["gives two pipelines one name", VALID + VALID.replace("ORDERS", "OTHERS"), [
    "pipeline 'orders': name: another pipeline of '{file}' has the same name",
  ]],
];

Deno.test("eventor says all that is wrong and exits with 2, when its configuration", async (t) => {
  for (const [what, text, expected] of BAD_CONFIGURATIONS) {
    await t.step(what, async () => {
      using file = configFile(text);
      const { code, stdout, stderr } = await runEventor(["-f", file.path]);
      const lines = expected.map((line) => `${file.path}: ${line.replace("{file}", file.path)}\n`);
      assertEquals({ code, stdout, stderr }, { code: 2, stdout: "", stderr: lines.join("") });
    });
  }
});

Deno.test("eventor names the line of broken YAML", async () => {
  const [problem, ...others] = await problemsOf("- name: [orders\n  eventListener:\n");
  assertMatch(problem ?? "", /^invalid YAML at line \d+, column \d+: /);
  assertEquals(others, []);
});

Deno.test("eventor says what is wrong with a certificate file", async (t) => {
  const withCa = (path: string) =>
    VALID.replace(
      "group.id: orders",
      `group.id: orders, security.protocol: ssl, ssl.ca.location: "${path}"`,
    );
  const place = "pipeline 'orders': eventListener.consumerConfig['ssl.ca.location']: ";

  await t.step("that is not there", async () => {
    assertEquals(await problemsOf(withCa("/no/such/ca.pem")), [
      `${place}cannot read the file '/no/such/ca.pem' (NotFound)`,
    ]);
  });
  await t.step("that holds something else", async () => {
    using other = configFile("no certificate");
    assertEquals(await problemsOf(withCa(other.path)), [
      `${place}expected the path of a PEM file with a certificate: ` +
      "there is no '-----BEGIN CERTIFICATE-----' in it",
    ]);
  });
});

Deno.test("eventor says why it cannot read a file, and still what is wrong with the others", async (t) => {
  await t.step("that is missing", async () => {
    using broken = configFile("hello");
    const { code, stderr } = await runEventor(["-f", "missing.yaml", "-f", broken.path]);
    assertEquals(code, 2);
    assertEquals(
      stderr,
      "cannot read missing.yaml: no such file\n" +
        `${broken.path}: expected a list of pipelines, or a mapping with 'pipelines'\n`,
    );
  });
  await t.step("that is a directory", async () => {
    const { code, stderr } = await runEventor(["-f", "/"]);
    assertEquals({ code, stderr }, { code: 2, stderr: "cannot read /: it is a directory\n" });
  });
  await t.step({
    name: "that it may not read",
    ignore: Deno.uid() === 0, // root may read everything
    async fn() {
      using file = configFile(VALID);
      await Deno.chmod(file.path, 0o000);
      const { code, stderr } = await runEventor(["-f", file.path]);
      const expected = `cannot read ${file.path}: permission denied\n`;
      assertEquals({ code, stderr }, { code: 2, stderr: expected });
    },
  });
});

Deno.test("eventor puts several files together", async (t) => {
  await t.step("and names the problems of each", async () => {
    using first = configFile(VALID.replace("topic: ORDERS", "tpic: ORDERS"));
    using second = configFile(VALID.replace("type: http", "type: htp").replace("orders", "others"));
    const { code, stderr } = await runEventor(["check", "-f", first.path, "-f", second.path]);
    assertEquals(code, 2);
    assertEquals(stderr.trimEnd().split("\n"), [
      `${first.path}: pipeline 'orders': eventListener.topic: required`,
      `${first.path}: pipeline 'orders': eventListener: unknown key 'tpic', did you mean 'topic'?`,
      `${second.path}: pipeline 'others': eventHandler.type: expected 'http', found 'htp'`,
    ]);
  });
  await t.step("and refuses a name that both have", async () => {
    using first = configFile(VALID);
    using second = configFile(VALID);
    const { code, stderr } = await runEventor(["check", "-f", first.path, "-f", second.path]);
    const expected =
      `${second.path}: pipeline 'orders': name: another pipeline of '${first.path}' has the same name\n`;
    assertEquals({ code, stderr }, { code: 2, stderr: expected });
  });
  await t.step("and checks what they have in common", async () => {
    using first = configFile(VALID);
    const other = VALID.replace("name: orders", "name: others");
    using second = configFile(other.replace("topic: ORDERS", "topic: OTHERS"));
    const { code, stdout } = await runEventor(["check", "-f", first.path, "-f", second.path]);
    assertEquals(code, 0);
    assertEquals(stdout.match(/^pipeline '.*?'/gm), ["pipeline 'orders'", "pipeline 'others'"]);
  });
});

Deno.test("eventor reads its configuration from standard input, when told -f -", async () => {
  const good = await runEventor(["check", "-f", "-"], { input: VALID });
  assertEquals([good.code, good.stderr], [0, ""]);
  assertStringIncludes(good.stdout, "pipeline 'orders'");

  const bad = await runEventor(["-f", "-"], { input: VALID.replace("type: http", "type: htp") });
  assertEquals([bad.code, bad.stderr], [
    2,
    "stdin: pipeline 'orders': eventHandler.type: expected 'http', found 'htp'\n",
  ]);
});

Deno.test("eventor refuses to read events from the standard input that holds its configuration", async () => {
  const text = `
- name: lines
  eventListener: { type: stdin }
  eventHandler: { type: http, url: "http://localhost:8080/" }
`;
  const { code, stderr } = await runEventor(["-f", "-"], { input: text });
  assertEquals([code, stderr], [
    2,
    "pipeline 'lines' cannot read standard input: the configuration was read from it\n",
  ]);
});

Deno.test("eventor shows no value that came from a reference, whatever is wrong with it", async () => {
  const env = { EVENTOR_TEST_SECRET: "s3cr3t value" };
  const references = VALID
    .replace("type: http", 'type: "${env:EVENTOR_TEST_SECRET}"')
    .replace("bootstrap.servers: localhost,", 'bootstrap.servers: "${env:EVENTOR_TEST_SECRET}",')
    .replace('url: "', 'headers: { Authorization: "${env:EVENTOR_TEST_SECRET}ü" }, url: "');
  const problems = await problemsOf(references, { env });
  assertEquals(problems.filter((line) => line.includes("s3cr3t")), []);
  assertEquals(problems.length >= 2, true, problems.join("\n"));
});
