import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TokenServer } from "../support/network/beside_token_endpoint.ts";
import { CertificateAuthority } from "../support/tls/certificate_authority.ts";
import {
  configFile,
  EventorProcess,
  executable,
  runEventor,
} from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { countConnecting, OwnNetwork } from "../support/network/own_network.ts";
import { fileOf, stdioPipeline } from "../support/executable/pipeline_yaml.ts";

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

const PROGRAM = new URL("../support/network/beside_token_endpoint.ts", import.meta.url).pathname;

Deno.test("eventor gets its token at the second address of a name, by TLS, when the first refuses", async () => {
  using network = new OwnNetwork({ "token.test": ["127.0.0.5", "127.0.0.1"] });
  const authority = new CertificateAuthority();
  const server: TokenServer = {
    hostname: "127.0.0.1",
    port: 8443,
    ...authority.serverCertificate(["token.test"]),
  };
  using input = configFile("event\n");
  const url = "https://token.test:8443/";
  using config = configFile(`
- name: lines
  eventListener: { type: stdin }
  eventHandler:
    type: http
    url: ${url}
    tls: { ca: ${JSON.stringify(authority.cert)} }
    auth:
      type: oauth2
      tokenEndpoint: ${url}token
      clientId: eventor
      clientSecret: secret
      ca: ${JSON.stringify(authority.cert)}
  eventResultProcessor: { type: stdout, when: [onSuccess] }
`);
  const beside = [Deno.execPath(), "run", "-A", "--no-prompt", "--frozen", PROGRAM];
  const [command = "", ...args] = [
    ...network.starter,
    ...[...beside, JSON.stringify(server)],
    ...["sh", "-c", `exec "$0" "$@" < ${input.path}`],
    ...[executable(), "-f", config.path],
  ];
  const { code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  const log = new TextDecoder().decode(stderr);
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "ok\n"], log);
  assertStringIncludes(log, "may connect to token.test:8443, and nothing else");
});

const CONCURRENCY = 32;

/** So many readings in a row show what stays. */
const SETTLED_READINGS = 10;

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
  eventHandler: { type: http, url: "http://${host}:80/", timeout: 2s }
`;
    await using eventor = new EventorProcess(fileOf(pipeline, {}), {
      starter: [...network.starter, "sh", "-c", `exec "$0" "$@" < ${input.path}`],
    });
    const readings: number[] = [];
    let most = 0;
    await eventually(() => {
      readings.push(countConnecting(eventor.pid));
      // On a busy machine, one that is given up can still be there when the next one begins, but does not stay.
      most = Math.max(most, Math.min(...readings.slice(-SETTLED_READINGS)));
      return eventor.lines.some((line) => /the endpoint seems to be away/.test(line));
    }, { deadlineMs: 30_000, what: () => `an outage; ${eventor.lines.join("\n")}` });
    assertStringIncludes(eventor.lines.join("\n"), "no complete response within 2 s");
    assert(most > 0 && most <= CONCURRENCY + further, `at most ${most} connections under way`);
  });
}
