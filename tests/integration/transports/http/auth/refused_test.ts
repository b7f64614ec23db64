import { assert, assertEquals } from "@std/assert";
import type { Handler } from "../../../../../src/core/handler.ts";
import { httpHandlerSchema } from "../../../../../src/transports/http/config.ts";
import { httpHandler } from "../../../../../src/transports/http/mod.ts";
import { startEndpoint } from "../../../../support/http/endpoint.ts";
import { anEvent } from "../../../../support/events.ts";
import { eventually } from "../../../../support/eventually.ts";
import { GuardedHandler } from "../../../../support/fakes/guarded_handler.ts";
import { DEFAULT_LIMITS } from "../../../../support/limits.ts";
import { RecordedLog } from "../../../../support/recorded_log.ts";

const API_KEY = { type: "apiKey", key: "a" };

/** Opens the handler of an endpoint, and calls it as a pipeline does. */
async function openHandler(
  keys: { url: string; auth: Readonly<Record<string, string>> },
  { log }: RecordedLog,
): Promise<Handler> {
  const config = httpHandlerSchema.parse({ type: "http", ...keys });
  const context = { pipeline: "orders", limits: DEFAULT_LIMITS, log };
  return new GuardedHandler(await httpHandler.open(config, context), { log });
}

Deno.test("an endpoint that refuses a token is called once in 5 s, until it is repaired", async () => {
  const times: number[] = [];
  let accepted = "another one";
  await using endpoint = startEndpoint(({ headers }) => {
    times.push(performance.now());
    const isAccepted = headers.get("authorization") === `Bearer ${accepted}`;
    return new Response(null, { status: isAccepted ? 200 : 401 });
  });
  const log = new RecordedLog();
  const auth = { type: "bearer", token: "canary-5f1e" };
  await using handler = await openHandler({ url: endpoint.url, auth }, log);
  const { signal } = new AbortController();
  const results = Array.from({ length: 10 }, () => handler.handle(anEvent(), signal));
  await eventually(() => times.length === 2, { deadlineMs: 15_000, what: "two calls" });
  assert(times[1]! - times[0]! >= 4900, `${times}`);

  accepted = "canary-5f1e";
  const statuses = (await Promise.all(results)).map(({ response }) => response?.status);
  assertEquals(statuses, [401, 401, 200, 200, 200, 200, 200, 200, 200, 200]);
  assert(times[2]! - times[1]! >= 4900, `${times}`);
  assertEquals(log.of("ERROR"), [
    "the endpoint refuses the credentials of 'auth' with 401; until that is repaired, one call is tried every 5 s",
  ]);
  assertEquals(log.of("WARN").length, 1);
  assert(!log.lines.join("\n").includes("canary"));
});

Deno.test("an endpoint that forbids most events, between others, is not called any slower", async () => {
  await using endpoint = startEndpoint((_, number) =>
    new Response(null, { status: number % 4 === 0 ? 200 : 403 })
  );
  const log = new RecordedLog();
  await using handler = await openHandler({ url: endpoint.url, auth: API_KEY }, log);
  const { signal } = new AbortController();
  const beganMs = performance.now();
  for (let calls = 0; calls < 100; calls++) await handler.handle(anEvent(), signal);
  assert(performance.now() - beganMs < 4900);
  assertEquals(log.of("ERROR"), []);
});
