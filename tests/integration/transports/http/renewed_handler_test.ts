import { assertEquals } from "@std/assert";
import { httpHandlerSchema } from "../../../../src/transports/http/config.ts";
import { httpHandler } from "../../../../src/transports/http/mod.ts";
import { CertificateAuthority } from "../../../support/tls/certificate_authority.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { eventually } from "../../../support/eventually.ts";
import { anEvent } from "../../../support/events.ts";
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

  handler.update?.(configOf(endpoint.url, { auth: bearer("two") }));
  const second = handler.handle(anEvent(), NEVER);
  assertEquals(text(await second), "second");
  answer.resolve(new Response("first"));

  assertEquals(text(await running), "first");
  const tokens = endpoint.calls.map(({ headers }) => headers.get("authorization"));
  assertEquals(tokens, ["Bearer one", "Bearer two"]);
});

Deno.test("a handler whose endpoint was not accepted tries at once, when it gets another authority", async () => {
  const [authority, stranger] = [new CertificateAuthority(), new CertificateAuthority("Another")];
  await using endpoint = startEndpoint(undefined, { tls: authority.serverCertificate() });
  const log = new RecordedLog();
  await using handler = await open(endpoint.url, { tls: { ca: stranger.cert } }, log);
  await handler.handle(anEvent(), NEVER).catch(() => {});
  const waiting = handler.handle(anEvent(), NEVER);

  const startedAt = performance.now();
  handler.update?.(configOf(endpoint.url, { tls: { ca: authority.cert } }));

  assertEquals((await waiting).when, "onSuccess");
  assertEquals(performance.now() - startedAt < 4000, true, "it waited for the gate");
  assertEquals(log.of("ERROR").length, 1);
});

Deno.test("a handler whose certificates and then tokens change lets an old call end as it began", async () => {
  const answer = Promise.withResolvers<Response>();
  await using endpoint = startEndpoint((_, number) =>
    number === 0 ? answer.promise : new Response("later")
  );
  await using tokens = startEndpoint(() =>
    Response.json({ access_token: "one", token_type: "bearer" })
  );
  const auth = {
    type: "oauth2",
    tokenEndpoint: tokens.url,
    clientId: "orders",
    clientSecret: "secret",
  };
  await using handler = await open(endpoint.url, { auth });
  const running = handler.handle(anEvent(), NEVER);
  await eventually(() => endpoint.calls.length === 1, { what: "the first call" });

  handler.update?.(configOf(endpoint.url, { auth, timeout: "29s" }));
  handler.update?.(configOf(endpoint.url, { auth: { ...auth, clientSecret: "another" } }));
  assertEquals(text(await handler.handle(anEvent(), NEVER)), "later");
  answer.resolve(new Response("first"));

  assertEquals(text(await running), "first");
});

function open(url: string, keys: Record<string, unknown>, log = new RecordedLog()) {
  const context = { pipeline: "orders", log: log.log, limits: DEFAULT_LIMITS };
  return httpHandler.open(configOf(url, keys), context);
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
