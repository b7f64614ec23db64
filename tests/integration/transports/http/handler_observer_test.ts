import { assertEquals } from "@std/assert";
import type { InboundEvent } from "../../../../src/core/event.ts";
import type { CallMessage } from "../../../../src/core/handler.ts";
import { httpHandlerSchema } from "../../../../src/transports/http/config.ts";
import { HttpHandler } from "../../../../src/transports/http/handler.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { type RawRequest, startRawEndpoint, textOf } from "../../../support/http/raw_endpoint.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const NEVER = new AbortController().signal;
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** Makes a call and resolves with what was told of it. */
async function observed(
  url: string,
  { event = anEvent(), ...keys }: { event?: InboundEvent; [key: string]: unknown } = {},
): Promise<{ sent: CallMessage[]; received: CallMessage[] }> {
  const sent: CallMessage[] = [];
  const received: CallMessage[] = [];
  const config = httpHandlerSchema.parse({ type: "http", url, ...keys });
  await using handler = new HttpHandler(config, {
    pipeline: "orders",
    log: new RecordedLog().log,
    limits: DEFAULT_LIMITS,
    observer: {
      sent: (message) => sent.push(message),
      received: (message) => received.push(message),
    },
  });
  await handler.handle(event, NEVER);
  return { sent, received };
}

/** In the form in which the endpoint keeps what came. */
function asReceived({ title, headers, body }: CallMessage): RawRequest {
  return {
    requestLine: title,
    headers: new Map(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body: body ?? new Uint8Array(),
  };
}

const EVENTS: readonly [name: string, event: InboundEvent, keys: Record<string, unknown>][] = [
  ["an event of all bytes", anEvent({ key: ALL_BYTES, value: ALL_BYTES }), {}],
  ["an event without key and value", anEvent({ key: null, value: null }), {}],
  ["a request without a body", anEvent(), { method: "GET" }],
  ["a large event", anEvent({ value: new Uint8Array(100_000) }), {}],
  [
    "headers of the configuration and of the event",
    anEvent({ headers: [["tenant", bytes("ä b")], ["Content-Type", bytes("a/b")]] }),
    { headers: { Accept: "text/plain" }, forwardHeaders: ["tenant"] },
  ],
];

for (const [name, event, keys] of EVENTS) {
  Deno.test(`HttpHandler tells its observer what the endpoint received: ${name}`, async () => {
    await using endpoint = startRawEndpoint(async (connection) => {
      await connection.readRequest();
      await connection.respond("answer");
    });
    const url = `http://${endpoint.host}/a/b?`;
    const { sent, received } = await observed(url, { event, ...keys });
    assertEquals(sent.map(asReceived), endpoint.requests);
    assertEquals(
      sent.map(({ headers }) => headers.map(([name]) => name.toLowerCase())),
      endpoint.requests.map(({ headers }) => [...headers.keys()]),
    );
    assertEquals(received.map(({ title, body }) => [title, textOf(body)]), [[
      "HTTP 200",
      "answer",
    ]]);
  });
}

Deno.test("HttpHandler tells its observer no secrets, and which ones it leaves out", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.respond();
  });
  const { sent } = await observed(`http://${endpoint.host}/a?sig=secret-0`, {
    headers: {
      Authorization: "Bearer secret-1",
      "X-Key": "secret-2",
      "X-Empty": "",
      "content-type": "a/b",
      Cookie: "a=secret-3",
    },
  });
  const [request] = sent;
  assertEquals(request?.title, "POST /a?sig=*** HTTP/1.1");
  const shown = new Map(request?.headers);
  assertEquals(
    ["Authorization", "X-Key", "Cookie", "content-type"].map((name) => shown.get(name)),
    ["***", "***", "***", "a/b"],
  );
  assertEquals(
    new Set(request?.hidden),
    new Set(
      ["Bearer secret-1", "secret-1", "secret-2", "", "a=secret-3", "secret-0"],
    ),
  );
});

Deno.test("HttpHandler tells its observer of each redirect that it follows", async () => {
  await using endpoint = startRawEndpoint(async (connection, number) => {
    await connection.readRequest();
    if (number > 0) return await connection.respond();
    await connection.write("HTTP/1.1 307 A\r\nlocation: /b?token=secret\r\ncontent-length: 0\r\n");
    await connection.write("connection: close\r\n\r\n");
  });
  const { sent, received } = await observed(`http://${endpoint.host}/a`);
  assertEquals(sent.map(({ title }) => title), [
    "POST /a HTTP/1.1",
    "POST /b?token=*** HTTP/1.1",
  ]);
  assertEquals(received.map(({ title }) => title), ["HTTP 307", "HTTP 200"]);
});

Deno.test("HttpHandler tells its observer headers as the text that their bytes are, and each cookie by itself", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    // What is written is UTF-8.
    await connection.write("HTTP/1.1 200 OK\r\nx-name: M\u00fcller\r\nset-cookie: a=1\r\n");
    await connection.write("set-cookie: b=2\r\ncontent-length: 0\r\n\r\n");
  });
  const { received } = await observed(`http://${endpoint.host}/`);
  assertEquals(received.map(({ headers }) => headers), [[
    ["x-name", "M\u00fcller"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["content-length", "0"],
  ]]);
});

Deno.test("HttpHandler tells its observer, when what has come is no response", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.write("SSH-2.0-OpenSSH_9.6\r\n");
    await connection.closed();
  });
  const { received } = await observed(`http://${endpoint.host}/`);
  assertEquals(received.map(({ title, body, note }) => [title, body, note]), [
    ["a response without a status", null, "invalid HTTP response: there is no status line"],
  ]);
});

Deno.test("HttpHandler tells its observer, when a body was too large to be read", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.respond("answer");
  });
  const { received } = await observed(`http://${endpoint.host}/`, { maxResponseBytes: 2 });
  assertEquals(received.map(({ body, note }) => [body, note]), [
    [null, "response larger than maxResponseBytes (2 bytes)"],
  ]);
});
