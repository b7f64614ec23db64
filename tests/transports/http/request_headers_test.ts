import { assertEquals, assertThrows } from "@std/assert";
import type { RecordHeader } from "../../../src/core/event.ts";
import { parsePlaceholder, TemplateError } from "../../../src/core/template.ts";
import type { HttpHandlerConfig } from "../../../src/transports/http/config.ts";
import { RequestHeaders } from "../../../src/transports/http/request_headers.ts";
import { anEvent, bytes } from "../../support/events.ts";

type HeaderConfig = Pick<HttpHandlerConfig, "headers" | "forwardHeaders" | "auth">;

const HEADER_LIMIT = 8192;
const LIMIT = 32_768;

function header(name: string, value: string | null): RecordHeader {
  return [name, value === null ? null : bytes(value)];
}

/** All headers of a request but those that each one has. */
function forwarded(
  headers: readonly RecordHeader[],
  { forwardHeaders, ...config }: Partial<HeaderConfig>,
): [name: string, value: string][] {
  const all = { headers: [], forwardHeaders: forwardHeaders ?? [], ...config };
  const requestHeaders = new RequestHeaders(all, "orders");
  const usual = new Set(
    new RequestHeaders({ ...all, forwardHeaders: [] }, "orders").of(anEvent({ headers: [] }), 1)
      .map(([name]) => name),
  );
  return requestHeaders.of(anEvent({ headers }), 1)
    .filter(([name]) => !usual.has(name))
    .map(([name, value]) => [name, value]);
}

Deno.test("RequestHeaders forward the headers that are named, in whatever case, by the name that is configured", () => {
  const headers = [
    header("x-TENANT", "a"),
    header("other", "b"),
    header("x-tenant", "ü\r\n"),
    header("x-tenant", null),
  ];
  assertEquals(forwarded(headers, { forwardHeaders: ["X-Tenant"] }), [
    ["X-Tenant", "a"],
    ["X-Tenant", "%C3%BC%0D%0A"],
  ]);
});

Deno.test("RequestHeaders forward what a prefix matches, in whatever case, by the event's own names", () => {
  const headers = [
    header("ce_id", "1"),
    header("CE_Type", "t"),
    header("ce", "-"),
    header("x", "-"),
  ];
  assertEquals(forwarded(headers, { forwardHeaders: ["ce_*"] }), [["ce_id", "1"], [
    "CE_Type",
    "t",
  ]]);
});

Deno.test("RequestHeaders forward each header once, when several entries match it", () => {
  const headers = [header("ce_id", "1"), header("x", "2")];
  assertEquals(forwarded(headers, { forwardHeaders: ["*", "CE_ID", "ce_*", "*"] }), [
    ["CE_ID", "1"],
    ["x", "2"],
  ]);
});

Deno.test("RequestHeaders forward by a pattern no header that would break or change the request", () => {
  const left = [
    "Connection",
    "content-length",
    "expect",
    "Host",
    "keep-alive",
    "te",
    "trailer",
    "Transfer-Encoding",
    "upgrade",
    "proxy-authorization",
    "Authorization",
    "cookie",
    "accept",
    "accept-encoding",
    "user-agent",
    "idempotency-key",
    "eventor-attempt",
    "eventor-dead-letter-reason",
    "X-HTTP-Method-Override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "",
    "a b",
    "a:b",
    "a\r\nb",
    "Zoë",
    "x\0",
  ];
  const headers = [
    ...left.map((name) => header(name, "v")),
    header("null", null),
    header("x", "1"),
  ];
  assertEquals(forwarded(headers, { forwardHeaders: ["*"] }), [["x", "1"]]);
});

Deno.test("RequestHeaders forward by a pattern no name that CGI and WSGI take for one that it leaves out", () => {
  const left = [
    "Idempotency_Key",
    "eventor_attempt",
    "CONTENT_TYPE",
    "transfer_encoding",
    "Transfer.Encoding",
    "proxy_authorization",
    "X_HTTP_Method-Override",
    "x_api_key",
    "X_Tenant",
  ];
  const headers = [...left, "ce_id", "x_other"].map((name) => header(name, "v"));
  const config: Partial<HeaderConfig> = {
    headers: [["X-Tenant", "configured"]],
    auth: { type: "apiKey", header: "x-api-key", key: "secret" },
    forwardHeaders: ["*"],
  };
  assertEquals(forwarded(headers, config), [["ce_id", "v"], ["x_other", "v"]]);
});

Deno.test("RequestHeaders forward a name that differs from a configured one by '_' only when it is named", () => {
  const config: Partial<HeaderConfig> = {
    headers: [["X-Tenant", "configured"]],
    forwardHeaders: ["*", "x_tenant"],
  };
  assertEquals(forwarded([header("X_Tenant", "v")], config), [["x_tenant", "v"]]);
});

Deno.test("RequestHeaders let no forwarded header stand beside a configured one or that of auth", () => {
  const headers = [header("x-a", "event"), header("X-Key", "event"), header("x-b", "event")];
  const config: Partial<HeaderConfig> = {
    headers: [["X-A", "configured"]],
    auth: { type: "apiKey", header: "x-key", key: "secret" },
    forwardHeaders: ["*", "x-a"],
  };
  assertEquals(forwarded(headers, config), [["x-b", "event"]]);
});

Deno.test("RequestHeaders take what each request has from the event, when it is named and the event has it", () => {
  const config = { headers: [], forwardHeaders: ["User-Agent", "accept"] };
  const requestHeaders = new RequestHeaders(config, "orders");
  const all = [
    ...requestHeaders.common,
    ...requestHeaders.of(anEvent({ headers: [header("user-agent", "curl/8")] }), 1),
  ].filter(([name]) => /^(user-agent|accept)/i.test(name));
  assertEquals(all, [["accept-encoding", "identity"], ["User-Agent", "curl/8"], ["accept", "*/*"]]);
});

Deno.test("RequestHeaders fail an event that would make a header too large, whichever it is", async (t) => {
  const long = (name: string) => "x".repeat(HEADER_LIMIT - name.length + 1);
  const key = parsePlaceholder("event.key")!;
  const cases: { name: string; config?: Partial<HeaderConfig>; key?: string }[] = [
    { name: "x-tenant", config: { forwardHeaders: ["x-tenant"] } },
    { name: "ce_id", config: { forwardHeaders: ["ce_*"] } },
    { name: "traceparent" },
    { name: "content-type" },
    { name: "baggage" },
    { name: "X-Key", config: { headers: [["X-Key", { parts: [key] }]] }, key: long("X-Key") },
  ];
  for (const { name, config, key = "key" } of cases) {
    await t.step(name, () => {
      const requestHeaders = new RequestHeaders(
        { headers: [], forwardHeaders: [], ...config },
        "o",
      );
      const of = (value: string) =>
        requestHeaders.of(anEvent({ key: bytes(key), headers: [header(name, value)] }), 1);
      assertThrows(
        () => of(long(name)),
        TemplateError,
        `request header '${name}' would be at least 8193 bytes with its name; the limit is 8192`,
      );
      if (name !== "X-Key") of(long(name).slice(1));
    });
  }
});

Deno.test("RequestHeaders count what a header's value takes once it is percent-encoded", () => {
  const requestHeaders = new RequestHeaders({ headers: [], forwardHeaders: ["x"] }, "orders");
  const event = anEvent({ headers: [header("x", "\0".repeat(2731))] });
  assertThrows(() => requestHeaders.of(event, 1), TemplateError, "8194 bytes");
});

Deno.test("RequestHeaders do not encode what is too large in any case", () => {
  const requestHeaders = new RequestHeaders({ headers: [], forwardHeaders: ["x"] }, "orders");
  const event = anEvent({ headers: [header("x", "\0".repeat(100_000))] });
  assertThrows(() => requestHeaders.of(event, 1), TemplateError, "at least 100001 bytes");
});

Deno.test("RequestHeaders fail an event whose headers are too large together", () => {
  const requestHeaders = new RequestHeaders({ headers: [], forwardHeaders: ["*"] }, "orders");
  const of = (lastBytes: number) => {
    const headers = ["a", "b", "c"].map((name) => header(name, "x".repeat(HEADER_LIMIT - 1)));
    return requestHeaders.of(
      anEvent({ headers: [...headers, header("d", "x".repeat(lastBytes))] }),
      1,
    );
  };
  const size = of(0).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  assertEquals(of(LIMIT - size).at(-1)?.[0], "d");
  assertThrows(
    () => of(LIMIT - size + 1),
    TemplateError,
    "request headers made from the event would be 32769 bytes; the limit is 32768",
  );
});

Deno.test("RequestHeaders shorten the name of a header that is too large, which an event may have chosen", () => {
  const requestHeaders = new RequestHeaders({ headers: [], forwardHeaders: ["*"] }, "orders");
  const event = anEvent({ headers: [header("n".repeat(10_000), "")] });
  const { message } = assertThrows(() => requestHeaders.of(event, 1), TemplateError);
  assertEquals(message.includes(`'${"n".repeat(64)}...'`), true, message);
});
