import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { configFile, executable, runEventor } from "../support/executable/eventor_process.ts";
import {
  freshName,
  freshTopic,
  testBroker,
  testBrokerByOtherName,
} from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const MISUSES: readonly [args: readonly string[], problem: string][] = [
  [["--bogus"], "unknown option --bogus"],
  [["-x", "-f", "config.yaml"], "unknown option -x"],
  [["bogus"], "unknown command 'bogus'"],
  [[], "no configuration; specify one with -f FILE"],
  [["check"], "no configuration; specify one with -f FILE"],
  [["-f"], "-f needs a file name"],
  [["-f", "a.yaml", "--log-format", "xml"], "--log-format must be text or json, found 'xml'"],
  [["check", "-f", "a.yaml", "--log-format", "json"], "--log-format is not an option of 'check'"],
];

Deno.test("eventor says what is wrong with its arguments and exits with 2, when they are", async (t) => {
  for (const [args, problem] of MISUSES) {
    await t.step(`'${args.join(" ")}'`, async () => {
      const { code, stdout, stderr } = await runEventor(args);
      const expected = `eventor: ${problem}\nTry 'eventor --help'.\n`;
      assertEquals({ code, stdout, stderr }, { code: 2, stdout: "", stderr: expected });
    });
  }
});

Deno.test("eventor --help shows every command", async () => {
  const { code, stdout, stderr } = await runEventor(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  for (const text of ["eventor [run] -f FILE", "eventor check", "eventor schema", "Exit codes"]) {
    assertStringIncludes(stdout, text);
  }
});

Deno.test("eventor --version names its version", async () => {
  const { code, stdout, stderr } = await runEventor(["--version"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^eventor \d+\.\d+\.\d+\n$/);
});

Deno.test("eventor schema prints a JSON Schema", async () => {
  const { code, stdout, stderr } = await runEventor(["schema"]);
  assertEquals([code, stderr], [0, ""]);
  const schema = JSON.parse(stdout);
  assertEquals(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assertStringIncludes(JSON.stringify(schema.$defs.pipeline), '"eventListener"');
});

Deno.test("eventor schema ends quietly, when its reader has had enough", async () => {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", '{ "$1" schema; echo "exit $?" >&2; } | head -c 1', "sh", executable()],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assertEquals(code, 0);
  assertEquals(new TextDecoder().decode(stdout), "{");
  assertEquals(new TextDecoder().decode(stderr), "exit 0\n");
});

const ORIGINAL_SAMPLE = `
- name: MY_FIRST_TOPIC-to-MY_RESPONSE_TOPIC
  logLevel: 0
  eventListener:
    type: kafka
    topic: MY_FIRST_TOPIC
    consumerConfig:
      bootstrap.servers: localhost, 127.0.0.1
      group.id: myVeryFirstGroup
      auto.offset.reset: earliest
      enable.auto.commit: false
  eventHandler:
    type: http
    method: POST
    url: http://localhost:8080/payload
    headers:
      Content-Type: application/text
      Authorization: Basic ...
  eventResultProcessor:
    type: kafka
    topic: MY_RESPONSE_TOPIC
    when:
      - onSuccess
    producerConfig:
      bootstrap.servers: localhost
      acks: all
`;

Deno.test("eventor check shows what a configuration will do and may connect to", async (t) => {
  using original = configFile(ORIGINAL_SAMPLE);
  const ours = new URL("../../sample_config.yaml", import.meta.url).pathname;
  const samples = [["the original's sample", original.path], ["our sample", ours]] as const;
  for (const [name, path] of samples) {
    await t.step(name, async () => {
      const { code, stdout, stderr } = await runEventor(["check", "-f", path]);
      assertEquals([code, stderr], [0, ""]);
      const lines = stdout.split("\n").filter((line) => !line.includes("environment variables"));
      assertEquals(lines, [
        "pipeline 'MY_FIRST_TOPIC-to-MY_RESPONSE_TOPIC' (log level DEBUG, ordering key, concurrency 32)",
        "  eventListener: kafka topic MY_FIRST_TOPIC on localhost:9092, 127.0.0.1:9092, group myVeryFirstGroup",
        "  eventHandler: POST http://localhost:8080/payload",
        "  eventResultProcessor[0]: kafka topic MY_RESPONSE_TOPIC on localhost:9092 when onSuccess",
        "  after a stop or a crash: unfinished events are handled again, and finished ones behind them",
        "  order: as in the source",
        "  Idempotency-Key: the same in each call for an event",
        "  may connect to: 127.0.0.1:9092, localhost:8080, localhost:9092, and the brokers these advertise",
        "  may not: read or write files, run programs, load libraries, query the operating system",
        "",
      ]);
    });
  }
});

Deno.test("eventor check shows which results go where, and dead letters", async () => {
  using file = configFile(
    kafkaPipeline({
      broker: "localhost:9092",
      topic: "A",
      results: "B",
      errors: "C",
      deadLetters: "D",
      url: "http://localhost:8080/",
    }),
  );
  const { stdout } = await runEventor(["check", "-f", file.path]);
  assertEquals(stdout.split("\n").filter((line) => /Processor|deadLetter/.test(line)), [
    "  eventResultProcessor[0]: kafka topic B on localhost:9092 when onSuccess",
    "  eventResultProcessor[1]: kafka topic C on localhost:9092 when onError",
    "  deadLetter: kafka topic D on localhost:9092",
  ]);
});

/** The lines that `check --online` adds to those of `check`, and its exit code. */
async function checkOnline(config: string): Promise<{ code: number; lines: string[] }> {
  using file = configFile(config);
  const { code, stdout, stderr } = await runEventor(["check", "--online", "-f", file.path]);
  const online = stdout.split("\n").filter((line) => line.startsWith("online"));
  return { code, lines: [...online, ...stderr.split("\n").filter((line) => line !== "")] };
}

Deno.test("eventor check --online exits with 0, when everything answers", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("check");
  const results = await freshTopic("check-results");
  const { code, lines } = await checkOnline(kafkaPipeline({ topic, results, url: endpoint.url }));
  assertEquals([code, lines], [0, ["online: brokers, topics and endpoints answer"]]);
  assertEquals(endpoint.calls.length, 0);
});

Deno.test("eventor check --online names every topic that does not exist, and an endpoint that is down", async () => {
  const [topic, results] = [freshName("missing"), freshName("missing-results")];
  const host = `127.0.0.1:${unusedPort()}`;
  const { code, lines } = await checkOnline(
    kafkaPipeline({ topic, results, url: `http://${host}/?token=s3cr3t` }),
  );
  assertEquals(code, 1);
  const [listener, handler, processor, ...others] = lines;
  const advice = `does not exist on ${testBroker()}; create it, or correct 'topic'`;
  assertEquals(listener, `pipeline 'orders': eventListener: topic '${topic}' ${advice}`);
  assertMatch(
    handler ?? "",
    new RegExp(`^pipeline 'orders': eventHandler: cannot connect to endpoint ${host}: .*refused`),
  );
  assertEquals(
    processor,
    `pipeline 'orders': eventResultProcessor[0]: topic '${results}' ${advice}`,
  );
  assertEquals(others, []);
});

Deno.test("eventor check --online tells that results are the pipeline's own events, whatever name its broker has", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("check-circle");
  const resultBroker = testBrokerByOtherName();
  const { code, lines } = await checkOnline(
    kafkaPipeline({ topic, results: topic, resultBroker, url: endpoint.url }),
  );
  assertEquals([code, lines.length], [1, 1]);
  assertMatch(
    lines[0] ?? "",
    new RegExp(
      `^pipeline 'orders': eventResultProcessor\\[0\\] \\(kafka topic ${topic} on ${resultBroker}, .*\\): ` +
        "events would loop endlessly: this pipeline reads from there itself; " +
        "configure another topic$",
    ),
  );
});

Deno.test("eventor check --online says in one line that the broker is down", async () => {
  const broker = `127.0.0.1:${unusedPort()}`;
  const { code, lines } = await checkOnline(
    kafkaPipeline({
      broker,
      topic: "any",
      results: "others",
      url: "http://127.0.0.1:9/",
      logLevel: "INFO",
    }),
  );
  assertEquals(code, 1);
  const [line = ""] = lines.filter((line) => line.includes(broker));
  assert(line.startsWith(`pipeline 'orders': cannot reach brokers ${broker}: `), lines.join("\n"));
  assertEquals(lines.length, 1, lines.join("\n"));
});
