import { assert, assertEquals, assertRejects } from "@std/assert";
import { PipelineHealth } from "../../../../../src/core/health.ts";
import { type Handler, HandlerError } from "../../../../../src/core/handler.ts";
import { httpHandlerSchema } from "../../../../../src/transports/http/config.ts";
import { httpHandler } from "../../../../../src/transports/http/mod.ts";
import { CertificateAuthority } from "../../../../support/tls/certificate_authority.ts";
import { type Endpoint, startEndpoint } from "../../../../support/http/endpoint.ts";
import { anEvent } from "../../../../support/events.ts";
import { eventually } from "../../../../support/eventually.ts";
import { GuardedHandler } from "../../../../support/fakes/guarded_handler.ts";
import { DEFAULT_LIMITS } from "../../../../support/limits.ts";
import { CLIENT_SECRET, OAuthServer, SIGNING_KEY } from "../../../../support/http/oauth_server.ts";
import { RecordedLog } from "../../../../support/recorded_log.ts";

const { signal } = new AbortController();

/** A handler for an endpoint, called as a pipeline does; its log and its health. */
interface Opened extends AsyncDisposable {
  readonly handler: Handler;
  readonly log: RecordedLog;
  readonly health: PipelineHealth;
}

async function open(
  { url }: Endpoint,
  auth: Record<string, unknown>,
  keys: Record<string, unknown> = {},
): Promise<Opened> {
  const config = httpHandlerSchema.parse({
    type: "http",
    url,
    auth: { type: "oauth2", ...auth },
    ...keys,
  });
  const log = new RecordedLog();
  const health = new PipelineHealth();
  const context = { pipeline: "orders", log: log.log, limits: DEFAULT_LIMITS, health };
  const handler = new GuardedHandler(await httpHandler.open(config, context), context);
  return { handler, log, health, [Symbol.asyncDispose]: () => handler[Symbol.asyncDispose]() };
}

/** An endpoint that asks the server about the token of each call. */
function endpointFor(server: OAuthServer): Endpoint {
  return startEndpoint(async ({ headers }) => {
    const token = tokenOf(headers);
    const isActive = token !== "" && await server.isActive(token);
    return new Response(null, { status: isActive ? 200 : 401 });
  });
}

function tokenOf(headers: Headers): string {
  return /^Bearer (\S+)$/.exec(headers.get("authorization") ?? "")?.[1] ?? "";
}

async function statusOf({ handler }: Opened): Promise<number | undefined> {
  return (await handler.handle(anEvent(), signal)).response?.status;
}

function basic({ tokenEndpoint }: OAuthServer) {
  return { tokenEndpoint, clientId: "basic", clientSecret: CLIENT_SECRET };
}

Deno.test("a handler shows itself to an OAuth 2.0 server in each way, and gets a token that is good", async (t) => {
  await using server = await OAuthServer.start();
  await using endpoint = endpointFor(server);
  const { tokenEndpoint } = server;
  const table: [string, () => Promise<Record<string, unknown>>][] = [
    ["basic", () => Promise.resolve(basic(server))],
    ["body", () =>
      Promise.resolve({
        tokenEndpoint,
        clientId: "body",
        clientSecret: CLIENT_SECRET,
        clientAuthentication: "body",
      })],
    ["privateKeyJwt", () =>
      Promise.resolve({
        tokenEndpoint,
        clientId: "signing",
        clientAuthentication: "privateKeyJwt",
        privateKey: SIGNING_KEY,
        keyId: "key-1",
      })],
    ["privateKeyJwt for the issuer", () =>
      Promise.resolve({
        tokenEndpoint,
        clientId: "signing",
        clientAuthentication: "privateKeyJwt",
        privateKey: SIGNING_KEY,
        assertionAudience: server.issuer,
      })],
    ["a refresh token", async () => ({
      tokenEndpoint,
      grant: "refreshToken",
      clientId: "refreshing",
      clientSecret: CLIENT_SECRET,
      refreshToken: await server.refreshToken(),
    })],
  ];
  for (const [name, auth] of table) {
    await t.step(name, async () => {
      await using opened = await open(endpoint, await auth());
      assertEquals(await statusOf(opened), 200);
      // What is large goes by the other client.
      const large = anEvent({ value: new Uint8Array(100_000) });
      const { summary } = await opened.handler.handle(large, signal);
      assertEquals(summary, "status 200");
    });
  }
});

Deno.test("many calls that wait for a token make one request", async () => {
  await using server = await OAuthServer.start();
  await using endpoint = endpointFor(server);
  await using opened = await open(endpoint, basic(server));
  const statuses = await Promise.all(Array.from({ length: 50 }, () => statusOf(opened)));
  assertEquals(new Set(statuses), new Set([200]));
  assertEquals((await server.requests()).length, 1);
});

Deno.test("tokens of a short life are renewed before they expire, and no call is refused", async (t) => {
  await using server = await OAuthServer.start({ lifetimeS: 3 });
  await using endpoint = endpointFor(server);
  const grants = ["clientCredentials", "refreshToken"];
  for (const grant of grants) {
    await t.step(grant, async () => {
      const before = (await server.requests()).length;
      const callsBefore = endpoint.calls.length;
      await using opened = await open(
        endpoint,
        grant === "clientCredentials" ? basic(server) : {
          tokenEndpoint: server.tokenEndpoint,
          grant,
          clientId: "refreshing",
          clientSecret: CLIENT_SECRET,
          // Each is good for one request: the server rotates them.
          refreshToken: await server.refreshToken(),
        },
      );
      const statuses = new Set<number | undefined>();
      let calls = 0;
      await eventually(async () => {
        statuses.add(await statusOf(opened));
        calls++;
        return (await server.requests()).length >= before + 4;
      }, { deadlineMs: 30_000, what: "four tokens" });
      assertEquals(statuses, new Set([200]));
      assertEquals(endpoint.calls.length - callsBefore, calls);
      assertEquals(opened.log.of("ERROR"), []);
      assertEquals((await server.requests()).slice(before).map(({ status }) => status), [
        200,
        200,
        200,
        200,
      ]);
    });
  }
});

Deno.test("a token that was revoked brings one new token and one more call", async () => {
  await using server = await OAuthServer.start();
  await using endpoint = endpointFor(server);
  await using opened = await open(endpoint, basic(server));
  assertEquals(await statusOf(opened), 200);
  await server.revoke(tokenOf(endpoint.calls[0]!.headers), "basic");
  assertEquals(await statusOf(opened), 200);
  const attempts = endpoint.calls.map(({ headers }) => headers.get("eventor-attempt"));
  assertEquals(attempts, ["1", "1", "1"]);
  assertEquals((await server.requests()).length, 2);
  assertEquals(opened.log.of("ERROR"), []);
});

Deno.test("an endpoint that refuses new tokens as well gets one call more, and the response is a result", async () => {
  await using server = await OAuthServer.start();
  await using endpoint = startEndpoint(() => new Response("no", { status: 401 }));
  await using opened = await open(endpoint, basic(server));
  const result = await opened.handler.handle(anEvent(), signal);
  assertEquals([result.when, result.summary], ["onError", "status 401"]);
  assertEquals(endpoint.calls.length, 2);
  assertEquals((await server.requests()).length, 2);
  assertEquals(opened.log.of("ERROR"), [
    "the endpoint refuses the credentials of 'auth' with 401; until that is repaired, one call is tried every 5 s",
  ]);
  assertEquals(opened.health.reasons(), [
    "the endpoint refuses the credentials of 'auth' with 401",
  ]);
});

Deno.test("a redirect on the same origin keeps the token", async () => {
  await using server = await OAuthServer.start();
  await using endpoint = startEndpoint(({ path }) =>
    path === "/"
      ? new Response(null, { status: 307, headers: { location: "/there" } })
      : new Response()
  );
  await using opened = await open(endpoint, basic(server));
  assertEquals(await statusOf(opened), 200);
  const [first, second] = endpoint.calls.map(({ headers }) => tokenOf(headers));
  assert(await server.isActive(first!));
  assertEquals(second, first);
});

Deno.test("a wrong secret is tried every 5 s, said once, and works again once it is repaired at the server", async () => {
  await using first = await OAuthServer.start({ secret: "another one" });
  await using endpoint = startEndpoint();
  const { port } = first;
  await using opened = await open(endpoint, basic(first));
  const reason = `no response from 'POST ${endpoint.url}': ` +
    `token endpoint '${first.tokenEndpoint}' answered invalid_client`;
  // As the pipeline does: each call that brings nothing is made again.
  const outcomes = Array.from({ length: 10 }, async () => {
    for (;;) {
      try {
        return await statusOf(opened);
      } catch (error) {
        if (!(error instanceof HandlerError)) throw error;
        assertEquals([error.message, error.wasSent], [reason, false]);
      }
    }
  });
  await eventually(async () => (await first.requests()).length >= 3, {
    deadlineMs: 30_000,
    what: "three requests",
  });
  const times = (await first.requests()).map(({ atMs }) => atMs);
  const pauses = times.slice(1).map((atMs, index) => atMs - times[index]!);
  assert(pauses.every((pauseMs) => pauseMs >= 4900), `${pauses}`);
  assertEquals(opened.health.reasons(), [reason]);

  await first[Symbol.asyncDispose]();
  await using repaired = await OAuthServer.start({ port });
  assertEquals(new Set(await Promise.all(outcomes)), new Set([200]));
  assertEquals((await repaired.requests()).length, 1);
  assertEquals(opened.health.reasons(), []);
  assertEquals(opened.log.matching(/invalid_client/).length, 1);
  assertEquals(opened.log.matching(/WARN - the endpoint accepts calls again, after/).length, 1);
  assert(!opened.log.lines.join("\n").includes("secret-8c2f"));
  assertEquals(endpoint.calls.length, 10);
});

Deno.test("a refresh token that is good no more is said to be so", async () => {
  await using server = await OAuthServer.start();
  await using endpoint = startEndpoint();
  await using opened = await open(endpoint, {
    tokenEndpoint: server.tokenEndpoint,
    grant: "refreshToken",
    clientId: "refreshing",
    clientSecret: CLIENT_SECRET,
    refreshToken: "canary-5f1e",
  });
  await assertRejects(
    () => statusOf(opened),
    HandlerError,
    `token endpoint '${server.tokenEndpoint}' answered invalid_grant`,
  );
  assertEquals(endpoint.calls.length, 0);
});

Deno.test("a call that is given up while it waits for a token ends at once", async () => {
  await using silent = startEndpoint(() => new Promise(() => {}));
  await using endpoint = startEndpoint();
  await using opened = await open(endpoint, {
    tokenEndpoint: `${silent.url}token`,
    clientId: "basic",
    clientSecret: CLIENT_SECRET,
  });
  const lease = new AbortController();
  const call = opened.handler.handle(anEvent(), lease.signal);
  await eventually(() => silent.calls.length === 1, { what: "a request for a token" });
  lease.abort();
  await assertRejects(() => call);
  assertEquals(endpoint.calls.length, 0);
});

Deno.test("check() asks for a token, and says why there is none", async () => {
  const authority = new CertificateAuthority();
  const tls = authority.serverCertificate();
  await using server = await OAuthServer.start({ tls });
  await using endpoint = startEndpoint();
  const check = async (auth: Record<string, unknown>) => {
    const config = httpHandlerSchema.parse({
      type: "http",
      url: endpoint.url,
      auth: { type: "oauth2", ...basic(server), ...auth },
    });
    return await httpHandler.check?.(config, { pipeline: "orders", log: new RecordedLog().log });
  };
  const name = `cannot get a token: token endpoint '${server.tokenEndpoint}'`;
  assertEquals(await check({ ca: authority.cert }), []);
  assertEquals(await check({}), [
    `${name} did not answer: certificate not accepted: unknown authority`,
  ]);
  assertEquals(await check({ ca: new CertificateAuthority().cert }), [
    `${name} did not answer: certificate not accepted: it is signed by another authority of the same name`,
  ]);
  assertEquals(await check({ ca: authority.cert, clientSecret: "wrong" }), [
    `${name} answered invalid_client`,
  ]);
  assertEquals(endpoint.calls.length, 0);
});
