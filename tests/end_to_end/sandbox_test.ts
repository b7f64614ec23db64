import { assertEquals, assertMatch } from "@std/assert";
import { startEndpoint } from "../support/http/endpoint.ts";
import { configFile, runEventor } from "../support/executable/eventor_process.ts";

function pipeline(url: string): string {
  return `
- name: lines
  eventListener: { type: stdin }
  eventHandler: { type: http, url: "${url}" }
  eventResultProcessor: { type: stdout, when: [onSuccess, onError], format: json }
`;
}

Deno.test("eventor connects to its endpoint itself, whatever proxies the environment names", async () => {
  await using endpoint = startEndpoint();
  await using proxy = startEndpoint();
  using config = configFile(pipeline(endpoint.url));
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
  const env = Object.fromEntries(names.map((name) => [name, proxy.url]));
  const { code, stderr } = await runEventor(["-f", config.path], { input: "a\n", env });
  assertEquals(code, 0);
  assertEquals([endpoint.calls.length, proxy.calls.length], [1, 0]);
  for (const name of names) assertMatch(stderr, new RegExp(`WARN - ${name} is ignored`));
});

Deno.test("eventor does not follow a redirect to another host, and publishes it as an error", async () => {
  await using elsewhere = startEndpoint();
  await using endpoint = startEndpoint(() =>
    new Response(null, { status: 307, headers: { location: elsewhere.url } })
  );
  using config = configFile(pipeline(endpoint.url));
  const { code, stdout } = await runEventor(["-f", config.path], { input: "a\n" });
  assertEquals(code, 0);
  assertEquals([endpoint.calls.length, elsewhere.calls.length], [1, 0]);
  assertEquals(JSON.parse(stdout).headers[0], ["eventor-status", "307"]);
});

Deno.test("eventor refuses an endpoint that would stand for more than one host", async () => {
  using config = configFile(pipeline("http://*.example.com/"));
  const { code, stderr } = await runEventor(["check", "-f", config.path]);
  assertEquals(code, 2);
  assertMatch(stderr, /eventHandler\.url: expected a URL that names one host/);
});
