import { assertEquals } from "@std/assert";
import type { Result } from "../../../../src/core/handler.ts";
import { startEndpoint } from "../../../support/endpoint.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { openHandler } from "../../../support/http_handler.ts";
import { textOf } from "../../../support/raw_endpoint.ts";

const NEVER = new AbortController().signal;

for (const status of [307, 308]) {
  Deno.test(`HttpHandler repeats the request where ${status} of the same origin says`, async () => {
    await using endpoint = startEndpoint(({ path, body }) =>
      path === "/moved" ? new Response(body) : redirect(status, "/moved?a=b")
    );
    await using handler = openHandler(`${endpoint.url}first`, {
      method: "PUT",
      headers: { Authorization: "Bearer token" },
    });

    const result = await handler.handle(anEvent({ value: bytes("value") }), NEVER);

    assertEquals([result.when, result.summary, textOf(result.value)], [
      "onSuccess",
      "status 200",
      "value",
    ]);
    assertEquals(
      endpoint.calls.map(({ method, path, headers, body }) => [
        method,
        path,
        headers.get("authorization"),
        textOf(body),
      ]),
      [
        ["PUT", "/first", "Bearer token", "value"],
        ["PUT", "/moved", "Bearer token", "value"],
      ],
    );
  });

  Deno.test(`HttpHandler takes ${status} to another origin for an error, and calls nobody there`, async () => {
    await using other = startEndpoint();
    await using endpoint = startEndpoint(() => redirect(status, other.url));
    assertEquals(outcome(await call(endpoint.url)), ["onError", `status ${status}`]);
    assertEquals(other.calls.length, 0);
  });
}

Deno.test("HttpHandler takes another name of the same address for another origin", async () => {
  await using endpoint = startEndpoint((_, number) =>
    number === 0
      ? redirect(307, endpoint.url.replace("127.0.0.1", "localhost"))
      : new Response("followed")
  );
  assertEquals(outcome(await call(endpoint.url)), ["onError", "status 307"]);
  assertEquals(endpoint.calls.length, 1);
});

for (const status of [301, 302, 303]) {
  Deno.test(`HttpHandler takes ${status} for an error, as it would lose method and body`, async () => {
    await using endpoint = startEndpoint(({ path }) =>
      path === "/moved" ? new Response("followed") : redirect(status, "/moved")
    );
    assertEquals(outcome(await call(endpoint.url)), ["onError", `status ${status}`]);
    assertEquals(endpoint.calls.length, 1);
  });
}

for (
  const [what, headers] of [
    ["no location", {}],
    ["a location that is no URL", { location: "http://[" }],
    ["a location of another scheme", { location: "ftp://127.0.0.1/" }],
  ] as const
) {
  Deno.test(`HttpHandler takes 307 with ${what} for an error`, async () => {
    await using endpoint = startEndpoint(() => new Response(null, { status: 307, headers }));
    assertEquals(outcome(await call(endpoint.url)), ["onError", "status 307"]);
    assertEquals(endpoint.calls.length, 1);
  });
}

Deno.test("HttpHandler follows five redirects", async () => {
  await using endpoint = startEndpoint((_, number) =>
    number < 5 ? redirect(307, `/${number}`) : new Response("arrived")
  );
  assertEquals(outcome(await call(endpoint.url)), ["onSuccess", "status 200"]);
  assertEquals(endpoint.calls.length, 6);
});

Deno.test("HttpHandler takes the sixth redirect for an error", async () => {
  await using endpoint = startEndpoint((_, number) => redirect(307, `/${number}`));
  assertEquals(outcome(await call(endpoint.url)), ["onError", "status 307"]);
  assertEquals(endpoint.calls.length, 6);
});

Deno.test("HttpHandler follows nothing with redirect: manual, and passes the location on", async () => {
  await using endpoint = startEndpoint(() => redirect(307, "/moved"));
  const result = await call(endpoint.url, { redirect: "manual" });
  assertEquals(outcome(result), ["onSuccess", "status 307"]);
  assertEquals(result.headers.at(-1), ["location", bytes("/moved")]);
  assertEquals(endpoint.calls.length, 1);
});

async function call(url: string, keys: Record<string, unknown> = {}): Promise<Result> {
  await using handler = openHandler(url, keys);
  return await handler.handle(anEvent(), NEVER);
}

function outcome({ when, summary }: Result): [string, string] {
  return [when, summary];
}

function redirect(status: number, location: string): Response {
  return new Response(null, { status, headers: { location } });
}
