import { assertEquals } from "@std/assert";
import type { Result } from "../../../../src/core/handler.ts";
import { octets } from "../../../../src/core/octets.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { type RawEndpoint, startRawEndpoint, textOf } from "../../../support/http/raw_endpoint.ts";

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

for (const location of ["", "#a", "?b=c", "/a?b=c", "./a?b=c", "//127.0.0.1:PORT/a?b=c#d"]) {
  Deno.test(`HttpHandler says at once that a redirect leads to itself: '${location}'`, async () => {
    await using endpoint = startRawEndpoint(async (connection) => {
      while (await connection.readRequest() !== null) {
        const place = location.replace("PORT", endpoint.host.split(":")[1]!);
        await connection.write(
          `HTTP/1.1 308 Moved\r\nlocation: ${place}\r\ncontent-length: 0\r\n\r\n`,
        );
      }
    });
    const result = await call(`http://${endpoint.host}/a?b=c`);
    assertEquals(outcome(result), ["onError", "status 308, redirect loop"]);
    assertEquals(result.headers, [
      ["eventor-status", bytes("308")],
      ["eventor-error", bytes("redirect loop")],
    ]);
    assertEquals(endpoint.requests.length, 1);
  });
}

Deno.test("HttpHandler says at once that redirects lead in a circle", async () => {
  await using endpoint = startEndpoint(({ path }) => redirect(307, path === "/a" ? "/b" : "/a"));
  const result = await call(`${endpoint.url}first`);
  assertEquals(outcome(result), ["onError", "status 307, redirect loop"]);
  assertEquals(endpoint.calls.map(({ path }) => path), ["/first", "/a", "/b"]);
});

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

/** As an endpoint sends it, one character for each byte, and as it is asked for then. */
const LOCATIONS: readonly (readonly [location: string, target: string])[] = [
  ["/caf\xc3\xa9?q=\xc3\xbc", "/caf%C3%A9?q=%C3%BC"],
  ["/caf\xe9", "/caf%E9"],
  ["/caf%C3%A9 1", "/caf%C3%A9%201"],
];

for (const [location, target] of LOCATIONS) {
  Deno.test(`HttpHandler follows a location byte for byte: '${encodeURI(location)}'`, async () => {
    await using endpoint = startMovedEndpoint(location);
    const result = await call(`http://${endpoint.host}/`);
    assertEquals(outcome(result), ["onSuccess", "status 200"]);
    assertEquals(endpoint.requests.at(-1)?.requestLine, `POST ${target} HTTP/1.1`);
  });

  Deno.test(`HttpHandler passes a location on byte for byte with redirect: manual: '${encodeURI(location)}'`, async () => {
    await using endpoint = startMovedEndpoint(location);
    const result = await call(`http://${endpoint.host}/`, { redirect: "manual" });
    assertEquals(result.headers.at(-1), ["location", octets(location)]);
  });
}

/** Answers the first request by 307. */
function startMovedEndpoint(location: string): RawEndpoint {
  let requests = 0;
  return startRawEndpoint(async (connection) => {
    while (await connection.readRequest() !== null) {
      const head = requests++ === 0 ? `307 Moved\r\nlocation: ${location}` : "200 OK";
      await connection.write(octets(`HTTP/1.1 ${head}\r\ncontent-length: 0\r\n\r\n`));
    }
  });
}

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
