import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { type Call, startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { configFile, EventorProcess, runEventor } from "../support/executable/eventor_process.ts";
import { eventually, inTime } from "../support/eventually.ts";
import { freshTopic, produce, readTopic, type StoredRecord } from "../support/kafka/broker.ts";
import { CLIENT_SECRET, OAuthServer, SIGNING_KEY } from "../support/http/oauth_server.ts";
import { fileOf, kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const PASSWORD = "päss:word-5f1e";
const TOKEN = "token-5f1e";
const KEY = "key-5f1e";

/** So large that it is sent by the other client. */
const LARGE = "x".repeat(100_000);

function textOf({ value }: StoredRecord): string {
  return new TextDecoder().decode(value ?? undefined);
}

/** Whether a call shows what its path asks for. */
async function isAuthorized({ path, headers }: Call, server: OAuthServer): Promise<boolean> {
  const [scheme = "", credentials = ""] = headers.get("authorization")?.split(" ") ?? [];
  switch (path) {
    case "/basic":
      return scheme === "Basic" &&
        Buffer.from(credentials, "base64").toString() === `me:${PASSWORD}`;
    case "/bearer":
      return scheme === "Bearer" && credentials === TOKEN;
    case "/apiKey":
      return headers.get("x-key") === KEY && scheme === "";
    default:
      return scheme === "Bearer" && await server.isActive(credentials);
  }
}

Deno.test("eventor shows an endpoint that checks it who calls, in each way, and says nothing of the secrets", async () => {
  await using server = await OAuthServer.start();
  await using endpoint = startEndpoint(async (call) => {
    return new Response(call.body, { status: await isAuthorized(call, server) ? 200 : 401 });
  });
  const { tokenEndpoint } = server;
  const oauth2 = { type: "oauth2", tokenEndpoint };
  const auths: readonly [string, Record<string, unknown>][] = [
    ["basic", { type: "basic", username: "me", password: PASSWORD }],
    ["bearer", { type: "bearer", token: TOKEN }],
    ["apiKey", { type: "apiKey", header: "X-Key", key: KEY }],
    ["oauth2Basic", { ...oauth2, clientId: "basic", clientSecret: CLIENT_SECRET }],
    ["oauth2Body", {
      ...oauth2,
      clientId: "body",
      clientSecret: CLIENT_SECRET,
      clientAuthentication: "body",
    }],
    ["oauth2Signed", {
      ...oauth2,
      clientId: "signing",
      clientAuthentication: "privateKeyJwt",
      privateKey: SIGNING_KEY,
    }],
    ["oauth2Refreshing", {
      ...oauth2,
      grant: "refreshToken",
      clientId: "refreshing",
      clientSecret: CLIENT_SECRET,
      refreshToken: await server.refreshToken(),
    }],
  ];
  const topic = await freshTopic("auth");
  await produce(topic, [{ value: "a" }, { value: LARGE }]);
  const pipelines = await Promise.all(auths.map(async ([name, auth]) => {
    const [results, errors] = await Promise.all([
      freshTopic(`auth-${name}`),
      freshTopic(`auth-${name}-errors`),
    ]);
    const url = `${endpoint.url}${name}`;
    const group = `${topic}-${name}`;
    const text = kafkaPipeline({ name, topic, group, url, results, errors, handler: { auth } });
    return { name, text, results, errors };
  }));
  await using eventor = new EventorProcess(pipelines.map(({ text }) => text).join(""));
  for (const { name, results, errors } of pipelines) {
    await eventually(async () => (await readTopic(results)).length === 2, {
      deadlineMs: 60_000,
      what: () => `the results of '${name}'; the log has:\n${eventor.lines.slice(-20).join("\n")}`,
    });
    const values = (await readTopic(results)).map(textOf).toSorted();
    assert(values[0] === "a" && values[1] === LARGE, name);
    assertEquals((await readTopic(errors)).length, 0);
  }
  const log = eventor.lines.join("\n");
  const place = tokenEndpoint.slice("http://".length, -"/token".length);
  assertMatch(log, new RegExp(`pipeline 'oauth2Basic' may connect to .*${place}`));
  assertMatch(log, new RegExp(`pipeline 'basic' may connect to (?!.*${place})`));
  for (const secret of [PASSWORD, TOKEN, KEY, CLIENT_SECRET, btoa(KEY), "PRIVATE KEY"]) {
    assert(!log.includes(secret), `the log holds a secret: ${log}`);
  }
});

Deno.test("eventor waits for a token endpoint that refuses it, says why, and works once that is repaired", async () => {
  await using first = await OAuthServer.start({ secret: "another one" });
  await using endpoint = startEndpoint();
  const [topic, results, errors, deadLetters] = await Promise.all(
    ["refused", "refused-results", "refused-errors", "refused-dead"].map((name) =>
      freshTopic(name)
    ),
  ) as [string, string, string, string];
  const events = Array.from({ length: 50 }, (_, number) => `${number}`);
  await produce(topic, events.map((value) => ({ key: value, value })));
  const address = `127.0.0.1:${unusedPort()}`;
  const auth = {
    type: "oauth2",
    tokenEndpoint: first.tokenEndpoint,
    clientId: "basic",
    clientSecret: CLIENT_SECRET,
  };
  const pipeline = kafkaPipeline({
    topic,
    results,
    errors,
    deadLetters,
    url: endpoint.url,
    handler: { auth },
  });
  await using eventor = new EventorProcess(fileOf(pipeline, { admin: { address } }));
  const reason = `no response from 'POST ${endpoint.url}': ` +
    `token endpoint '${first.tokenEndpoint}' answered invalid_client`;
  await eventually(async () => (await first.requests()).length >= 3, {
    deadlineMs: 60_000,
    what: "three requests for a token",
  });
  const times = (await first.requests()).map(({ atMs }) => atMs);
  const pauses = times.slice(1).map((atMs, index) => atMs - times[index]!);
  assert(pauses.every((pauseMs) => pauseMs >= 4900), `${pauses}`);
  const response = await fetch(`http://${address}/readyz`);
  assertEquals(response.status, 503);
  assert((await response.text()).includes(reason));
  const tried = eventor.lines.filter((line) => line.includes("until that is repaired"));
  assertEquals(tried.length, 1);
  assert(tried[0]?.includes(`ERROR - ${reason}`), tried[0]);
  // Each try is some event's, which says that it is tried again.
  const attempts = eventor.lines.filter((line) => line.includes("trying again"));
  assert(attempts.length <= (await first.requests()).length, attempts.join("\n"));

  const { port } = first;
  await first[Symbol.asyncDispose]();
  await using repaired = await OAuthServer.start({ port });
  await eventor.line(/WARN - the endpoint accepts calls again, after/, { deadlineMs: 30_000 });
  await eventually(async () => (await readTopic(results)).length === events.length, {
    deadlineMs: 30_000,
    what: "all results",
  });
  assertEquals(new Set((await readTopic(results)).map(textOf)), new Set(events));
  assertEquals((await repaired.requests()).length, 1);
  assertEquals((await readTopic(errors)).length, 0);
  assertEquals((await readTopic(deadLetters)).length, 0);
  await eventually(async () => {
    const response = await fetch(`http://${address}/readyz`);
    await response.body?.cancel();
    return response.status === 200;
  }, { deadlineMs: 10_000, what: "the pipeline is ready" });
});

Deno.test("eventor check --online asks for a token and sends the endpoint nothing", async () => {
  await using server = await OAuthServer.start();
  await using endpoint = startEndpoint();
  const textWith = (clientSecret: string) => `
- name: lines
  eventListener: { type: stdin }
  eventHandler:
    type: http
    url: ${endpoint.url}
    auth:
      type: oauth2
      tokenEndpoint: ${server.tokenEndpoint}
      clientId: basic
      clientSecret: ${JSON.stringify(clientSecret)}
`;
  using good = configFile(textWith(CLIENT_SECRET));
  const well = await runEventor(["check", "--online", "-f", good.path]);
  assertEquals(well.code, 0, well.stderr);
  assert(
    well.stdout.includes(`with a token of ${server.tokenEndpoint} (oauth2, clientCredentials)`),
    well.stdout,
  );

  using bad = configFile(textWith("wrong"));
  const refused = await runEventor(["check", "--online", "-f", bad.path]);
  assertEquals(refused.code, 1);
  assertEquals(
    refused.stderr.trim(),
    "pipeline 'lines': eventHandler: cannot get a token: " +
      `token endpoint '${server.tokenEndpoint}' answered invalid_client`,
  );
  assertEquals(endpoint.calls.length, 0);
});

Deno.test("eventor stops at once while it is refused, and calls for the events once it is not", async () => {
  await using first = await OAuthServer.start({ secret: "another one" });
  await using endpoint = startEndpoint();
  const [topic, results] = await Promise.all([
    freshTopic("stopped"),
    freshTopic("stopped-results"),
  ]);
  const events = Array.from({ length: 50 }, (_, number) => `${number}`);
  await produce(topic, events.map((value) => ({ key: value, value })));
  const { tokenEndpoint, port } = first;
  const auth = { type: "oauth2", tokenEndpoint, clientId: "basic", clientSecret: CLIENT_SECRET };
  const config = kafkaPipeline({ topic, results, url: endpoint.url, handler: { auth } });
  await using refused = new EventorProcess(config);
  await refused.line(/ERROR - .* until that is repaired/);
  refused.signal("SIGTERM");
  const { value: code } = await inTime(refused.exit(), {
    deadlineMs: 15_000,
    what: "the end of eventor",
  });
  assertEquals(code, 0);

  await first[Symbol.asyncDispose]();
  await using _ = await OAuthServer.start({ port });
  await using eventor = new EventorProcess(config);
  await eventually(async () => (await readTopic(results)).length === events.length, {
    deadlineMs: 60_000,
    what: () => `all results; the log has:\n${eventor.lines.slice(-20).join("\n")}`,
  });
});
