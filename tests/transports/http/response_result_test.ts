import { assertEquals } from "@std/assert";
import type { Result } from "../../../src/core/handler.ts";
import { ResponseResults } from "../../../src/transports/http/response_result.ts";
import { bytes } from "../../support/events.ts";

const BACKOFF = { initialDelayMs: 1, maxDelayMs: 1, multiplier: 1 };

function resultOf(
  status: number,
  { headers = {}, redirect = "follow", isTooLarge = false }: {
    headers?: Record<string, string>;
    redirect?: "follow" | "manual";
    isTooLarge?: boolean;
  } = {},
): Result {
  const results = new ResponseResults({
    maxResponseBytes: 10,
    maxRetryAfterMs: 60_000,
    redirect,
    retry: { maxAttempts: 2, backoff: BACKOFF, on: [404, 503, "noResponse"] },
  });
  const response = { status, headers: new Map(Object.entries(headers)), body: bytes("") };
  return results.from(response, isTooLarge ? null : bytes(""));
}

function errorOf(...args: Parameters<typeof resultOf>) {
  const result = resultOf(...args);
  return result.when === "onError" ? result.error : null;
}

Deno.test("ResponseResults take statuses below 300 for successes, and with redirect: manual below 400", () => {
  const whenOf = (...args: Parameters<typeof resultOf>) => resultOf(...args).when;
  assertEquals([200, 299, 300, 308, 399, 400].map((status) => whenOf(status)), [
    "onSuccess",
    "onSuccess",
    "onError",
    "onError",
    "onError",
    "onError",
  ]);
  assertEquals([299, 302, 399, 400].map((status) => whenOf(status, { redirect: "manual" })), [
    "onSuccess",
    "onSuccess",
    "onSuccess",
    "onError",
  ]);
});

Deno.test("ResponseResults keep the location of a redirect, and of nothing else", () => {
  const headers = { location: "/there" };
  const namesOf = (status: number) => resultOf(status, { headers }).headers.map(([name]) => name);
  assertEquals(namesOf(302), ["eventor-status", "location"]);
  assertEquals(namesOf(201), ["eventor-status"]);
});

Deno.test("ResponseResults say what may pass, as retry.on names it", () => {
  assertEquals([404, 503, 500].map((status) => errorOf(status)?.isTransient), [true, true, false]);
});

Deno.test("ResponseResults say what may be an outage, also of responses that are too large", () => {
  const statuses = [400, 401, 403, 404, 408, 429, 500, 503, 599];
  const expected = [false, true, true, false, false, true, true, true, true];
  for (const isTooLarge of [false, true]) {
    assertEquals(
      statuses.map((status) => errorOf(status, { isTooLarge })?.suggestsOutage),
      expected,
    );
  }
});

Deno.test("ResponseResults say what tells of the endpoint alone, also of responses that are too large", () => {
  const statuses = [400, 401, 404, 408, 422, 425, 429, 500, 503, 599];
  const expected = [false, false, false, true, false, true, true, true, true, true];
  for (const isTooLarge of [false, true]) {
    assertEquals(
      statuses.map((status) => errorOf(status, { isTooLarge })?.isAboutServer),
      expected,
    );
  }
});

Deno.test("ResponseResults say when an endpoint has too much to do", () => {
  const statuses = [429, 500, 502, 503];
  assertEquals(statuses.map((status) => errorOf(status)?.isOverload ?? false), [
    true,
    false,
    false,
    true,
  ]);
});

Deno.test("ResponseResults say how long an endpoint asks to wait, up to maxRetryAfter", () => {
  const of = (value: string) => errorOf(503, { headers: { "retry-after": value } })?.retryAfterMs;
  assertEquals([of("7"), of("61"), of("9999999999"), of("soon")], [
    7000,
    60_000,
    60_000,
    undefined,
  ]);
});
