import { assertEquals } from "@std/assert";
import { httpHandlerSchema } from "../../../../src/transports/http/config.ts";
import { httpHandler } from "../../../../src/transports/http/mod.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { eventually } from "../../../support/eventually.ts";
import { anEvent } from "../../../support/events.ts";
import { GuardedHandler } from "../../../support/fakes/guarded_handler.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const NEVER = new AbortController().signal;

Deno.test("a handler goes over to another token, while a call that runs ends with the old one", async () => {
  const answer = Promise.withResolvers<Response>();
  await using endpoint = startEndpoint((_, number) =>
    number === 0 ? answer.promise : new Response("second")
  );
  await using handler = await open(endpoint.url, { auth: bearer("one") });
  const running = handler.handle(anEvent(), NEVER);
  await eventually(() => endpoint.calls.length === 1, { what: "the first call" });

  handler.update(configOf(endpoint.url, { auth: bearer("two") }));
  const second = handler.handle(anEvent(), NEVER);
  assertEquals(text(await second), "second");
  answer.resolve(new Response("first"));

  assertEquals(text(await running), "first");
  const tokens = endpoint.calls.map(({ headers }) => headers.get("authorization"));
  assertEquals(tokens, ["Bearer one", "Bearer two"]);
});

Deno.test("a handler whose credentials are refused tries at once when it gets others", async () => {
  await using endpoint = startEndpoint(({ headers }) =>
    new Response(null, { status: headers.get("authorization") === "Bearer two" ? 200 : 401 })
  );
  const log = new RecordedLog();
  await using handler = await open(endpoint.url, { auth: bearer("one") }, log);
  await handler.handle(anEvent(), NEVER);
  const waiting = handler.handle(anEvent(), NEVER);

  const startedAt = performance.now();
  handler.update(configOf(endpoint.url, { auth: bearer("two") }));

  assertEquals((await waiting).when, "onSuccess");
  assertEquals(performance.now() - startedAt < 4000, true, "it waited for the next probe");
  assertEquals(log.of("ERROR").length, 1);
});

Deno.test("a handler gets a token with its new secret, while a call with the old token runs", async () => {
  const answer = Promise.withResolvers<Response>();
  await using endpoint = startEndpoint((_, number) =>
    number === 0 ? answer.promise : new Response("later")
  );
  const secrets: string[] = [];
  await using tokens = startEndpoint(({ body }) => {
    secrets.push(new URLSearchParams(new TextDecoder().decode(body)).get("client_secret") ?? "");
    return Response.json({ access_token: `token-${secrets.length}`, token_type: "bearer" });
  });
  const auth = {
    type: "oauth2",
    tokenEndpoint: tokens.url,
    clientId: "orders",
    clientAuthentication: "body",
    clientSecret: "secret",
  };
  await using handler = await open(endpoint.url, { auth });
  const running = handler.handle(anEvent(), NEVER);
  await eventually(() => endpoint.calls.length === 1, { what: "the first call" });

  handler.update(configOf(endpoint.url, { auth: { ...auth, clientSecret: "another" } }));
  assertEquals(text(await handler.handle(anEvent(), NEVER)), "later");
  answer.resolve(new Response("first"));

  assertEquals(text(await running), "first");
  assertEquals(secrets, ["secret", "another"]);
  assertEquals(endpoint.calls.map(({ headers }) => headers.get("authorization")), [
    "Bearer token-1",
    "Bearer token-2",
  ]);
});

async function open(url: string, keys: Record<string, unknown>, { log } = new RecordedLog()) {
  const context = { pipeline: "orders", log, limits: DEFAULT_LIMITS };
  return new GuardedHandler(await httpHandler.open(configOf(url, keys), context), { log });
}

function configOf(url: string, keys: Record<string, unknown>) {
  return httpHandlerSchema.parse({ type: "http", url, ...keys });
}

function bearer(token: string) {
  return { type: "bearer", token };
}

function text({ value }: { value: Uint8Array }): string {
  return new TextDecoder().decode(value);
}
