import { assertEquals } from "@std/assert";
import type { Result } from "../../../src/core/handler.ts";
import type { HttpHandlerConfig } from "../../../src/transports/http/config.ts";
import type { HttpResponse } from "../../../src/transports/http1/http_response.ts";
import { ResponseResults } from "../../../src/transports/http/response_result.ts";
import { bytes } from "../../support/events.ts";

const BACKOFF = { initialDelayMs: 1, maxDelayMs: 1, multiplier: 1 };

interface Given {
  readonly headers?: Record<string, string>;
  readonly redirect?: "follow" | "manual";
  readonly auth?: HttpHandlerConfig["auth"];
  readonly defect?: string;
}

function resultOf(status: number, { redirect = "follow", auth, ...given }: Given = {}): Result {
  return resultsWith(redirect, auth).from(responseOf(status, given));
}

function resultsWith(redirect: "follow" | "manual", auth?: Given["auth"]): ResponseResults {
  return new ResponseResults({
    auth,
    maxRetryAfterMs: 60_000,
    redirect,
    retry: { maxAttempts: 2, backoff: BACKOFF, on: [404, 503, "noResponse"] },
  });
}

function responseOf(status: number, { headers = {}, defect }: Given): HttpResponse {
  const common = { status, headers: new Map(Object.entries(headers)) };
  return defect === undefined ? { ...common, body: bytes("") } : { ...common, body: null, defect };
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

Deno.test("ResponseResults say what may be an outage, also of responses that cannot be used", () => {
  const statuses = [400, 401, 403, 404, 408, 429, 500, 503, 599];
  const expected = [false, true, true, false, false, true, true, true, true];
  for (const given of [{}, { defect: "broken" }]) {
    assertEquals(
      statuses.map((status) => errorOf(status, given)?.suggestsOutage),
      expected,
    );
  }
});

Deno.test("ResponseResults say what tells of the endpoint alone, also of responses that cannot be used", () => {
  const statuses = [400, 401, 404, 408, 422, 425, 429, 500, 503, 599];
  const expected = [false, false, false, true, false, true, true, true, true, true];
  for (const given of [{}, { defect: "broken" }]) {
    assertEquals(
      statuses.map((status) => errorOf(status, given)?.isAboutServer),
      expected,
    );
  }
});

const AUTH = { type: "bearer", token: "secret" } as const;

Deno.test("ResponseResults say which responses refuse the credentials of a request", () => {
  const reason = (status: number) =>
    `the endpoint refuses the credentials of 'auth' with ${status}`;
  const expected = new Map([
    [401, { reason: reason(401) }],
    [403, { reason: reason(403), mayConcernEventOnly: true }],
  ]);
  for (const status of [400, 401, 403, 404, 407, 503]) {
    for (const given of [{}, { defect: "broken" }]) {
      assertEquals(errorOf(status, { ...given, auth: AUTH })?.refusal, expected.get(status));
      assertEquals(errorOf(status, given)?.refusal, undefined, "without credentials");
    }
  }
});

Deno.test("ResponseResults say which responses may come before credentials are checked", () => {
  const statuses = [400, 401, 403, 404, 429, 500, 503];
  const isBeforeAccessCheck = (auth?: typeof AUTH) =>
    statuses.filter((status) => errorOf(status, { auth })?.isBeforeAccessCheck === true);
  assertEquals(isBeforeAccessCheck(AUTH), [429, 500, 503]);
  assertEquals(isBeforeAccessCheck(), []);
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

Deno.test("ResponseResults make errors of responses that cannot be used, whatever their status", () => {
  const headers = { "retry-after": "7", "content-type": "a/b", location: "/there" };
  for (const redirect of ["follow", "manual"] as const) {
    const { response, ...result } = resultOf(200, { headers, redirect, defect: "broken" });
    assertEquals(result, {
      when: "onError",
      error: {
        status: "200",
        isTransient: false,
        suggestsOutage: false,
        isAboutServer: false,
        retryAfterMs: 7000,
      },
      summary: "status 200, broken",
      value: new Uint8Array(),
      headers: [["eventor-status", bytes("200")], ["eventor-error", bytes("broken")]],
    });
    assertEquals(response, { status: 200, headers: new Map(Object.entries(headers)) });
  }
});

Deno.test("ResponseResults repeat calls for statuses of retry.on, also when the rest cannot be used", () => {
  assertEquals(
    [200, 503].map((status) => errorOf(status, { defect: "broken" })?.isTransient),
    [false, true],
  );
});

Deno.test("ResponseResults repeat calls for a response that broke off when retry.on has noResponse", () => {
  const answer = { status: 200, headers: new Map(), body: null, defect: "broken", isCutOff: true };
  for (const on of [[503, "noResponse"], [503]] as const) {
    const retry = { maxAttempts: 2, backoff: BACKOFF, on };
    const results = new ResponseResults({ maxRetryAfterMs: 0, redirect: "follow", retry });
    const result = results.from(answer);
    assertEquals(result.when === "onError" && result.error, {
      status: "200",
      isTransient: on.length === 2,
      suggestsOutage: false,
      isAboutServer: true,
    });
  }
});

Deno.test("ResponseResults make errors of answers without a status, which may be an outage", () => {
  const answer = { status: null, headers: new Map(), body: null, defect: "no HTTP" };
  assertEquals(resultsWith("manual").from(answer), {
    when: "onError",
    error: { isTransient: false, suggestsOutage: true, isAboutServer: true },
    summary: "no HTTP",
    value: new Uint8Array(),
    headers: [["eventor-error", bytes("no HTTP")]],
  });
});

Deno.test("ResponseResults pass headers on byte for byte", () => {
  const headers = { "content-type": "a/b; n=M\xc3\xbc", location: "/caf\xe9" };
  assertEquals(resultOf(302, { headers, redirect: "manual" }).headers, [
    ["content-type", bytes("a/b; n=M\u00fc")],
    ["eventor-status", bytes("302")],
    ["location", Uint8Array.of(0x2f, 0x63, 0x61, 0x66, 0xe9)],
  ]);
});
