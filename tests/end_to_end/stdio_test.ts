import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Endpoint, Respond } from "../support/http/endpoint.ts";
import { echo, startEndpoint } from "../support/http/endpoint.ts";
import {
  type CommandEnd,
  configFile,
  executable,
  mortal,
  runEventor,
} from "../support/executable/eventor_process.ts";
import { concatenated, numbered } from "../support/lines.ts";
import { stdioPipeline } from "../support/executable/pipeline_yaml.ts";

const LOG_LINE = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARN|ERROR) - ./;

/** What came of `input`, and the endpoint that answered. */
async function pipeThrough(
  input: string | Uint8Array,
  { respond = echo, args = [], ...pipeline }: {
    respond?: Respond;
    args?: readonly string[];
    format?: "text" | "json";
    when?: readonly string[];
  } = {},
): Promise<CommandEnd & Pick<Endpoint, "calls">> {
  await using endpoint = startEndpoint(respond);
  using file = configFile(stdioPipeline({ url: endpoint.url, ...pipeline }));
  const end = await runEventor(["-f", file.path, ...args], { input });
  return { ...end, calls: endpoint.calls };
}

Deno.test("eventor takes a line through an endpoint without any broker, and exits with 0 at the end of input", async () => {
  const { code, stdout, stderr, calls } = await pipeThrough("Hello World!\n", {
    respond: ({ body }) => new Response(`got '${new TextDecoder().decode(body)}'`),
  });
  assertEquals({ code, stdout }, { code: 0, stdout: "got 'Hello World!'\n" }, stderr);
  assertEquals(calls.length, 1);
  assertEquals(calls[0]?.method, "POST");
  assertEquals(calls[0]?.headers.get("content-type"), "application/text");
  assertEquals(calls[0]?.body, new TextEncoder().encode("Hello World!"));
});

Deno.test("eventor ends with 0 and writes nothing, when there is no input", async () => {
  const { code, stdout, calls } = await pipeThrough("");
  assertEquals({ code, stdout, calls: calls.length }, { code: 0, stdout: "", calls: 0 });
});

Deno.test("eventor changes no byte of a line, when it is no text", async () => {
  const everyByteButNewline = Uint8Array.from(Array(256).keys()).filter((byte) => byte !== 0x0a);
  const newline = Uint8Array.of(0x0a);
  const long = new Uint8Array(300_000).fill(0xff);
  const input = concatenated([everyByteButNewline, newline, newline, long, newline]);
  const { code, stdoutBytes, calls } = await pipeThrough(input);
  assertEquals(code, 0);
  assertEquals(calls.map(({ body }) => body.length), [255, 0, 300_000]);
  assert(stdoutBytes.every((byte, index) => byte === input[index]));
  assertEquals(stdoutBytes.length, input.length);
});

Deno.test("eventor keeps key and headers, when the format is json", async () => {
  const events = [
    { key: "k1", value: "text", headers: [["tenant", "a"], ["tenant", "b"], ["none", null]] },
    { key: { base64: "//4=" }, value: { base64: "AP8=" }, headers: [["bin", { base64: "gA==" }]] },
    { key: null, value: { id: 12345678901234567890n }, headers: [] },
  ];
  const input = events.map((event) => toJson(event)).join("\n");
  const { code, stdout, calls, stderr } = await pipeThrough(input, { format: "json" });
  assertEquals(code, 0, stderr);
  assertEquals(calls.map(({ body }) => [...body]), [
    [...new TextEncoder().encode("text")],
    [0x00, 0xff],
    [...new TextEncoder().encode('{"id":12345678901234567890}')],
  ]);
  const results = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const own = (headers: [string, unknown][]) =>
    headers.filter(([name]) => !/^(eventor|content)-/.test(name));
  assertEquals(results.map(({ headers, ...rest }) => ({ ...rest, headers: own(headers) })), [
    events[0],
    events[1],
    { key: null, value: '{"id":12345678901234567890}', headers: [] },
  ]);
  const source = results.map(({ headers }) =>
    headers.find(([name]: [string]) => name === "eventor-source-offset")?.[1]
  );
  assertEquals(source, ["0", "1", "2"]);
});

function toJson(event: unknown): string {
  return JSON.stringify(
    event,
    (_, value) =>
      typeof value === "bigint"
        ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(`${value}`)
        : value,
  );
}

Deno.test("eventor finishes the lines before, names the line and exits with 1, when one is no event", async () => {
  const { code, stdout, stderr, calls } = await pipeThrough(
    '{"value":"one"}\n{"value":"two"}\nthe payload\n{"value":"four"}\n',
    { format: "json" },
  );
  assertEquals(code, 1);
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line).value), ["one", "two"]);
  assertEquals(calls.length, 2);
  assertMatch(
    stderr,
    /ERROR - pipeline 'lines' failed: Cannot read line 3 of stdin: expected one JSON object in UTF-8\n$/,
  );
  assert(!stderr.includes("the payload"), stderr);
});

Deno.test("eventor names a line that is too long for an event and exits with 1, and takes the lines before it", async () => {
  const tooLong = new Uint8Array(17 * 1024 * 1024).fill(0x78);
  const { code, stdout, stderr } = await pipeThrough(concatenated([
    new TextEncoder().encode("one\n"),
    tooLong,
    new TextEncoder().encode("\nthree\n"),
  ]));
  assertEquals({ code, stdout }, { code: 1, stdout: "one\n" });
  assertMatch(
    stderr,
    /ERROR - pipeline 'lines' failed: Cannot read line 2 of stdin: it is longer than 16 MiB\n$/,
  );
});

Deno.test("eventor writes error responses as results, when a result processor takes onError", async () => {
  const { code, stdout, calls } = await pipeThrough("a\nb\n", {
    when: ["onSuccess", "onError"],
    respond: (_, number) => new Response(`answer ${number}`, { status: number === 0 ? 500 : 200 }),
  });
  assertEquals({ code, stdout, calls: calls.length }, {
    code: 0,
    stdout: "answer 0\nanswer 1\n",
    calls: 2,
  });
});

Deno.test("eventor calls again and says so, when nothing takes an error response", async () => {
  const { code, stdout, stderr, calls } = await pipeThrough("a\nb\n", {
    respond: (call, number) => number < 2 ? new Response("no", { status: 500 }) : echo(call),
  });
  assertEquals({ code, stdout }, { code: 0, stdout: "a\nb\n" });
  assertEquals(calls.map(({ body }) => new TextDecoder().decode(body)), ["a", "a", "a", "b"]);
  assertMatch(
    stderr,
    /ERROR - cannot handle stdin@0: status 500, and no eventResultProcessor is configured for onError; it blocks later events as 'ordering' says; trying again in \d\.\d s\n/,
  );
});

Deno.test("eventor writes results to standard output alone, and its log to standard error alone", async () => {
  const { code, stdout, stderr, calls } = await pipeThrough("first\nsecond\n");
  assertEquals({ code, stdout, calls: calls.length }, {
    code: 0,
    stdout: "first\nsecond\n",
    calls: 2,
  });
  const lines = stderr.trimEnd().split("\n");
  for (const line of lines) assertMatch(line, LOG_LINE);
  assertEquals(
    lines.filter((line) => line.includes(" DEBUG - handling message: stdin@")).length,
    2,
  );
  assert(!/first|second/.test(stderr), stderr);
});

Deno.test("eventor logs one JSON object a line with the pipeline's name, when told --log-format json", async () => {
  const { code, stdout, stderr } = await pipeThrough("a\n", { args: ["--log-format", "json"] });
  assertEquals({ code, stdout }, { code: 0, stdout: "a\n" });
  const records = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const { time, level } of records) {
    assertEquals(new Date(time).toISOString(), time);
    assertMatch(level, /^(DEBUG|INFO|WARN|ERROR)$/);
  }
  const handling = records.find(({ message }) => message === "handling message: stdin@0");
  assertEquals([handling?.pipeline, handling?.level], ["lines", "DEBUG"]);
});

Deno.test("eventor ends with 1 and says why, when its standard output is closed early", async () => {
  await using endpoint = startEndpoint();
  using file = configFile(stdioPipeline({ url: endpoint.url, logLevel: "INFO" }));
  const script =
    '{ yes line | head -n 100000 | timeout -s KILL 20 "$1" -f "$2"; echo "exit $?" >&2; } | head -n 1';
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", executable(), file.path],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "line\n");
  const log = new TextDecoder().decode(stderr);
  assertStringIncludes(log, "exit 1\n");
  assertMatch(log, /ERROR - pipeline 'lines' failed: standard output was closed by its reader\n/);
});

Deno.test("eventor exits with 0 on SIGTERM, when its standard input stays open", async () => {
  await using endpoint = startEndpoint();
  using file = configFile(stdioPipeline({ url: endpoint.url }));
  const child = new Deno.Command(executable(), {
    args: ["-f", file.path],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  using _ = mortal(child, { deadlineMs: 20_000 });
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode("a\n"));
  const output = child.stdout.getReader();
  assertEquals(new TextDecoder().decode((await output.read()).value), "a\n");
  child.kill("SIGTERM");
  assertEquals(await child.status, { success: true, code: 0, signal: null });
  await output.cancel();
  await input.close().catch(() => {});
});

Deno.test("eventor goes on and exits, when nobody reads its log", async () => {
  await using endpoint = startEndpoint();
  using file = configFile(stdioPipeline({ url: endpoint.url }));
  const child = new Deno.Command(executable(), {
    args: ["-f", file.path],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  using _ = mortal(child, { deadlineMs: 60_000 });
  const results = new Response(child.stdout).text();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(numbered(20_000)));
  await input.close();
  assertEquals(await results, numbered(20_000));
  assertEquals((await child.status).code, 0);
  await child.stderr.cancel();
});
