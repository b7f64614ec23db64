import { assertEquals } from "@std/assert";
import type { InboundEvent } from "../../../../src/core/event.ts";
import type { Result } from "../../../../src/core/handler.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { HOSTILE_HEADERS } from "../../../support/hostile_headers.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { type RawRequest, startRawEndpoint, textOf } from "../../../support/http/raw_endpoint.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const NEVER = new AbortController().signal;

Deno.test("HttpHandler sends the value byte for byte with its length", async () => {
  const { requestLine, headers, body } = await requestFor({ value: ALL_BYTES });

  assertEquals(requestLine, "POST /payload HTTP/1.1");
  assertEquals(body, ALL_BYTES);
  assertEquals(headers.get("content-length"), "256");
  assertEquals(headers.has("transfer-encoding"), false);
});

for (const [name, value] of [["null", null], ["empty", new Uint8Array()]] as const) {
  Deno.test(`HttpHandler sends an empty body, when the value is ${name}`, async () => {
    const { headers, body } = await requestFor({ value });
    assertEquals(body.length, 0);
    assertEquals(headers.get("content-length"), "0");
  });
}

for (const method of ["GET", "HEAD"]) {
  Deno.test(`HttpHandler sends no body with ${method}`, async () => {
    const { requestLine, headers, body } = await requestFor({ value: ALL_BYTES }, { method });
    assertEquals(requestLine, `${method} /payload HTTP/1.1`);
    assertEquals(body.length, 0);
    assertEquals(headers.has("content-length"), false);
    assertEquals(headers.has("transfer-encoding"), false);
  });
}

for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"]) {
  Deno.test(`HttpHandler sends the value with ${method}`, async () => {
    const { requestLine, body } = await requestFor({ value: bytes("value") }, { method });
    assertEquals(requestLine, `${method} /payload HTTP/1.1`);
    assertEquals(textOf(body), "value");
  });
}

const CONTENT_TYPES: {
  when: string;
  configured?: string;
  ofEvent?: InboundEvent["headers"];
  sent: string;
}[] = [
  { when: "neither names one", sent: "application/text" },
  { when: "the event names one", ofEvent: [["Content-Type", bytes("a/b; q=é")]], sent: "a/b; q=é" },
  {
    when: "the event names one with several letters that are not ASCII",
    ofEvent: [["Content-Type", bytes("a/b; q=éèà")]],
    sent: "a/b; q=éèà",
  },
  {
    when: "the event names one with two letters that are not ASCII",
    ofEvent: [["Content-Type", bytes("a/b; q=éè")]],
    sent: "a/b; q=éè",
  },
  {
    when: "both name one",
    configured: "application/json",
    ofEvent: [["content-type", bytes("text/csv")]],
    sent: "application/json",
  },
  {
    when: "the event's has a line break",
    ofEvent: [["content-type", bytes("a/b\r\nx-injected: 1")]],
    sent: "application/text",
  },
  {
    when: "the event's is not Latin",
    ofEvent: [["content-type", bytes("text/日本")]],
    sent: "application/text",
  },
  {
    when: "the event's is not UTF-8",
    ofEvent: [["content-type", Uint8Array.of(0x61, 0xff)]],
    sent: "application/text",
  },
  { when: "the event's is null", ofEvent: [["content-type", null]], sent: "application/text" },
  {
    when: "the event's is empty",
    ofEvent: [["content-type", new Uint8Array()]],
    sent: "application/text",
  },
];

for (const { when, configured, ofEvent, sent } of CONTENT_TYPES) {
  Deno.test(`HttpHandler sends the content type '${sent}', when ${when}`, async () => {
    const keys = configured === undefined ? {} : { headers: { "Content-Type": configured } };
    const { headers } = await requestFor({ headers: ofEvent ?? [] }, keys);
    // Header values are read byte by byte here.
    const latin1 = sent.replace("é", "\xe9");
    assertEquals(headers.get("content-type"), latin1);
    assertEquals(headers.has("x-injected"), false);
  });
}

Deno.test("HttpHandler sends the configured headers, and asks for an answer that is not encoded", async () => {
  const { headers } = await requestFor({ headers: [["x-event", bytes("kept to itself")]] }, {
    headers: { Authorization: "Bearer token", "X-Tenant": "a, b" },
  });
  assertEquals(headers.get("authorization"), "Bearer token");
  assertEquals(headers.get("x-tenant"), "a, b");
  assertEquals(headers.get("accept-encoding"), "identity");
  assertEquals(headers.has("x-event"), false);
  assertEquals(/^eventor\/\d/.test(headers.get("user-agent") ?? ""), true);
});

Deno.test("HttpHandler lets the configuration ask for an encoded answer", async () => {
  const { headers } = await requestFor({}, { headers: { "Accept-Encoding": "gzip" } });
  assertEquals(headers.get("accept-encoding"), "gzip");
});

Deno.test("HttpHandler sends the query, and logs the call without it", async () => {
  const log = new RecordedLog();
  await using endpoint = startRawEndpoint(answerAll);
  await using handler = openHandler(`http://${endpoint.host}/payload?token=SECRET`, { log });

  await handler.handle(anEvent(), NEVER);

  assertEquals(endpoint.requests[0]?.requestLine, "POST /payload?token=SECRET HTTP/1.1");
  assertEquals(log.lines, [`DEBUG - calling endpoint: 'POST http://${endpoint.host}/payload'`]);
});

for (const status of [200, 201, 204, 299]) {
  Deno.test(`HttpHandler makes a success of status ${status}`, async () => {
    const { when, summary } = await resultOf({ status });
    assertEquals({ when, summary }, { when: "onSuccess", summary: `status ${status}` });
  });
}

for (const status of [300, 304, 400, 401, 404, 429, 500, 503, 599]) {
  Deno.test(`HttpHandler makes an error of status ${status}`, async () => {
    const { when, summary } = await resultOf({ status });
    assertEquals({ when, summary }, { when: "onError", summary: `status ${status}` });
  });
}

Deno.test("HttpHandler takes the response byte for byte, with its type and status", async () => {
  const result = await resultOf({
    status: 201,
    body: ALL_BYTES,
    headers: { "content-type": "application/json; a=b", etag: "x", "set-cookie": "s=1" },
  });
  assertEquals(result.value, ALL_BYTES);
  assertEquals(plainHeaders(result), [
    ["content-type", "application/json; a=b"],
    ["eventor-status", "201"],
  ]);
});

Deno.test("HttpHandler makes an empty value of an empty response, and names no type that it does not have", async () => {
  const result = await resultOf({ status: 204 });
  assertEquals(result.value, new Uint8Array());
  assertEquals(plainHeaders(result), [["eventor-status", "204"]]);
});

Deno.test("HttpHandler decodes a response that is encoded although it was not asked for", async () => {
  const text = "hello ".repeat(1000);
  const encoded = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = new Uint8Array(await new Response(encoded).arrayBuffer());
  const result = await resultOf({ status: 200, body, headers: { "content-encoding": "gzip" } });
  assertEquals(textOf(result.value), text);
});

Deno.test("HttpHandler says which event and attempt a request is for, whatever key a producer gives the event", async (t) => {
  for (const length of [10, 100_000]) {
    await t.step(`an event of ${length} bytes`, async () => {
      await using endpoint = startEndpoint();
      await using handler = openHandler(endpoint.url, { forwardHeaders: ["*"] });
      const headers: InboundEvent["headers"] = [
        ["eventor-idempotency-key", bytes("mine")],
        ["Idempotency-Key", bytes("mine")],
      ];
      await handler.handle(anEvent({ value: new Uint8Array(length), headers }), NEVER, 3);
      const sent = endpoint.calls[0]!.headers;
      assertEquals(
        [
          "idempotency-key",
          "eventor-offset",
          "eventor-key",
          "eventor-attempt",
          "eventor-idempotency-key",
        ].map((name) => sent.get(name)),
        ["orders-MY_FIRST_TOPIC-0-184-1652708532000", "184", "key", "3", null],
      );
    });
  }
});

Deno.test("HttpHandler keeps its connection between calls", async () => {
  await using endpoint = startRawEndpoint(answerAll);
  await using handler = openHandler(`http://${endpoint.host}/`);

  for (let call = 0; call < 5; call++) await handler.handle(anEvent(), NEVER);

  assertEquals(endpoint.requests.length, 5);
  assertEquals(endpoint.acceptedConnections, 1);
});

/** The request that becomes of an event. */
for (const size of [1, 70_000]) {
  Deno.test(`HttpHandler forwards whatever headers an event has without harm, with a body of ${size} bytes`, async () => {
    const { requestLine, headers, body } = await requestFor({
      value: new Uint8Array(size),
      headers: [
        ...HOSTILE_HEADERS,
        ["content-length", bytes("1000000")],
        ["transfer-encoding", bytes("chunked")],
        ["x-split", bytes("a\r\nx-injected: 1")],
        ["x\r\ninjected", bytes("1")],
        ["traceparent", bytes("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")],
        ["tracestate", bytes("a=1")],
        ["baggage", bytes("t=1")],
      ],
    }, { forwardHeaders: ["*"] });
    assertEquals(requestLine, "POST /payload HTTP/1.1");
    assertEquals(body.length, size);
    assertEquals(headers.get("content-length"), `${size}`);
    const names = [
      "constructor",
      "__proto__",
      "tostring",
      "10",
      "a",
      "zoë",
      "x-injected",
      "injected",
    ];
    assertEquals(names.map((name) => headers.get(name)), [
      "2",
      "3",
      undefined,
      "4",
      "",
      undefined,
      undefined,
      undefined,
    ]);
    assertEquals(headers.get("x-split"), "a%0D%0Ax-injected: 1");
    assertEquals(
      ["traceparent", "tracestate", "baggage"].map((name) => headers.get(name)),
      ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1", "t=1"],
    );
  });
}

async function requestFor(
  event: Parameters<typeof anEvent>[0],
  keys: Record<string, unknown> = {},
): Promise<RawRequest> {
  await using endpoint = startRawEndpoint(answerAll);
  await using handler = openHandler(`http://${endpoint.host}/payload`, keys);
  await handler.handle(anEvent(event), NEVER);
  const [request] = endpoint.requests;
  if (request === undefined) throw new Error("no request came");
  return request;
}

/** What becomes of a response. */
async function resultOf(
  { status, body, headers = {} }: {
    status: number;
    body?: Uint8Array<ArrayBuffer>;
    headers?: Record<string, string>;
  },
): Promise<Result> {
  await using endpoint = startEndpoint(() => new Response(body ?? null, { status, headers }));
  await using handler = openHandler(endpoint.url);
  return await handler.handle(anEvent(), NEVER);
}

async function answerAll(connection: {
  readRequest(): Promise<RawRequest | null>;
  respond(): Promise<void>;
}): Promise<void> {
  while (await connection.readRequest() !== null) await connection.respond();
}

function plainHeaders({ headers }: Result): [string, string][] {
  return headers.map(([name, value]) => [name, textOf(value)]);
}
