import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { configFile, EventorProcess, runEventor } from "../support/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { countConnecting, OwnNetwork } from "../support/own_network.ts";
import { fileOf, stdioPipeline } from "../support/pipeline_yaml.ts";

const REACHED = [
  { host: "localhost", hostname: "127.0.0.1" },
  { host: "localhost", hostname: "::1" },
  { host: "0.0.0.0", hostname: "127.0.0.1" },
  { host: "[::]", hostname: "::1" },
];

for (const { host, hostname } of REACHED) {
  Deno.test(`eventor reaches an endpoint at ${host} that listens at ${hostname} only, and 'check' finds nothing wrong`, async () => {
    await using server = Deno.serve({ hostname, port: 0, onListen() {} }, () => new Response("ok"));
    const url = `http://${host}:${server.addr.port}/`;
    using config = configFile(fileOf(stdioPipeline({ url }), {}));

    const run = await runEventor(["-f", config.path], { input: "event\n" });
    assertEquals([run.code, run.stdout], [0, "ok\n"], run.stderr);
    const check = await runEventor(["check", "--online", "-f", config.path]);
    assertEquals(check.code, 0, check.stdout + check.stderr);
  });
}

const CONCURRENCY = 32;

/** Besides those of calls, an attempt at each further address of a name that cannot be given up. */
const ENDPOINTS = [
  { host: "10.0.0.2", further: 0 },
  { host: "one.test", further: 0 },
  { host: "two.test", further: 2 },
];

for (const { host, further } of ENDPOINTS) {
  Deno.test(`eventor has no more connections under way than calls, when ${host} swallows them`, async () => {
    using network = new OwnNetwork({
      "one.test": ["10.0.0.2"],
      "two.test": ["10.0.0.3", "10.0.0.2"],
    });
    using input = configFile(Array.from({ length: 200 }, (_, line) => `${line}\n`).join(""));
    const pipeline = `
- name: lines
  ordering: none
  concurrency: ${CONCURRENCY}
  eventListener: { type: stdin }
  eventHandler: { type: http, url: "http://${host}:80/", timeout: 500ms }
`;
    await using eventor = new EventorProcess(fileOf(pipeline, {}), {
      starter: [...network.starter, "sh", "-c", `exec "$0" "$@" < ${input.path}`],
    });
    let most = 0;
    await eventually(() => {
      most = Math.max(most, countConnecting(eventor.pid));
      return eventor.lines.some((line) => /the endpoint seems to be away/.test(line));
    }, { deadlineMs: 30_000, what: () => `an outage; ${eventor.lines.join("\n")}` });
    assertStringIncludes(eventor.lines.join("\n"), "no complete response within 0.5 s");
    assert(most > 0 && most <= CONCURRENCY + further, `at most ${most} connections under way`);
  });
}
