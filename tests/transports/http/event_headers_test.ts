import { assertEquals } from "@std/assert";
import { EventHeaders } from "../../../src/transports/http/event_headers.ts";
import { anEvent, bytes, QUEUE } from "../../support/events.ts";

function headersOf(event = anEvent(), { pipeline = "orders", configured = [] as string[] } = {}) {
  return Object.fromEntries(new EventHeaders(pipeline, new Set(configured)).of(event, 2));
}

Deno.test("EventHeaders say which event and which attempt a request is for", () => {
  assertEquals(headersOf(), {
    "idempotency-key": "orders-MY_FIRST_TOPIC-0-184-1652708532000",
    "eventor-topic": "MY_FIRST_TOPIC",
    "eventor-partition": "0",
    "eventor-offset": "184",
    "eventor-timestamp": "1652708532000",
    "eventor-attempt": "2",
    "eventor-key": "key",
  });
});

Deno.test("EventHeaders have the facts of each source, and no Idempotency-Key without an identity", () => {
  assertEquals(headersOf(anEvent({ origin: QUEUE })), {
    "eventor-queue": "orders",
    "eventor-routing-key": "n%C3%A4h",
    "eventor-timestamp": "1652708532000",
    "eventor-attempt": "2",
    "eventor-key": "key",
  });
});

Deno.test("EventHeaders leave out what is configured", () => {
  const headers = headersOf(anEvent(), { configured: ["idempotency-key", "eventor-key"] });
  const binary = headersOf(anEvent({ key: new Uint8Array([0]) }), { configured: ["eventor-key"] });
  assertEquals("eventor-key-encoding" in binary, false);
  assertEquals(Object.keys(headers), [
    "eventor-topic",
    "eventor-partition",
    "eventor-offset",
    "eventor-timestamp",
    "eventor-attempt",
  ]);
});

Deno.test("EventHeaders encode keys that a header would not keep as they are", async (t) => {
  const cases: { name: string; key: Uint8Array<ArrayBuffer>; expected: string | undefined }[] = [
    { name: "bytes", key: new Uint8Array([0, 255]), expected: "AP8=" },
    { name: "line breaks", key: bytes("a\r\nb: c"), expected: "YQ0KYjogYw==" },
    { name: "spaces at the ends", key: bytes(" a"), expected: "IGE=" },
    { name: "other scripts", key: bytes("ö"), expected: "w7Y=" },
    {
      name: "a byte order mark",
      key: new Uint8Array([0xef, 0xbb, 0xbf, 97]),
      expected: "77u/YQ==",
    },
    { name: "empty", key: bytes(""), expected: "" },
    { name: "too long", key: bytes("x".repeat(2049)), expected: undefined },
  ];
  for (const { name, key, expected } of cases) {
    await t.step(name, () => {
      const headers = headersOf(anEvent({ key }));
      assertEquals(headers["eventor-key"], expected);
      assertEquals(headers["eventor-key-encoding"], expected === undefined ? undefined : "base64");
    });
  }
});

Deno.test("EventHeaders tell no key from an empty one, and a tombstone from an empty value", () => {
  assertEquals("eventor-key" in headersOf(anEvent({ key: null })), false);
  assertEquals(headersOf(anEvent({ value: null }))["eventor-tombstone"], "true");
  assertEquals("eventor-tombstone" in headersOf(anEvent({ value: bytes("") })), false);
});

Deno.test("EventHeaders pass a traceparent on, unless it would break the request", () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const of = (value: string) =>
    headersOf(anEvent({ headers: [["TraceParent", bytes(value)]] }))["traceparent"];
  assertEquals(of(trace), trace);
  assertEquals(of("00\r\nx: y"), undefined);
  assertEquals(of(""), undefined);
});

Deno.test("EventHeaders pass tracestate and baggage on as lists, a tracestate only with its traceparent", async (t) => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  type Headers = readonly (readonly [name: string, value: string | null])[];
  const cases: { name: string; headers: Headers; configured?: string[]; expected: object }[] = [
    {
      name: "all three",
      headers: [["tracestate", "a=1"], ["Baggage", " t=1 "], ["traceparent", trace]],
      expected: { traceparent: trace, tracestate: "a=1", baggage: "t=1" },
    },
    {
      name: "several of one name",
      headers: [
        ["traceparent", trace],
        ["TraceState", "a=1,b=2"],
        ["tracestate", "c=3"],
        ["baggage", "t=1"],
        ["baggage", null],
        ["BAGGAGE", "u=2;p"],
      ],
      expected: { traceparent: trace, tracestate: "a=1,b=2,c=3", baggage: "t=1,u=2;p" },
    },
    {
      name: "no traceparent",
      headers: [["tracestate", "a=1"], ["baggage", "t=1"]],
      expected: { baggage: "t=1" },
    },
    {
      name: "a traceparent that is none",
      headers: [["traceparent", "00\r\n"], ["tracestate", "a=1"]],
      expected: {},
    },
    {
      name: "a configured traceparent",
      headers: [["traceparent", trace], ["tracestate", "a=1"]],
      configured: ["traceparent"],
      expected: {},
    },
    {
      name: "what would break the request",
      headers: [
        ["traceparent", trace],
        ["tracestate", "a=1\r\nx: y"],
        ["tracestate", "b=2"],
        ["baggage", "ü"],
      ],
      expected: { traceparent: trace, tracestate: "b=2" },
    },
    {
      name: "nothing in them",
      headers: [["traceparent", trace], ["tracestate", " "], ["baggage", ""]],
      expected: { traceparent: trace },
    },
  ];
  for (const { name, headers, configured = [], expected } of cases) {
    await t.step(name, () => {
      const event = anEvent({
        headers: headers.map(([name, value]) => [name, value === null ? null : bytes(value)]),
      });
      const { traceparent, tracestate, baggage } = headersOf(event, { configured });
      const found = { traceparent, tracestate, baggage };
      assertEquals(
        Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)),
        expected,
      );
    });
  }
});

Deno.test("EventHeaders percent-encode what of a name is not visible ASCII", () => {
  const headers = headersOf(anEvent(), { pipeline: "Bestellungen für alle" });
  assertEquals(
    headers["idempotency-key"],
    "Bestellungen%20f%C3%BCr%20alle-MY_FIRST_TOPIC-0-184-1652708532000",
  );
});
