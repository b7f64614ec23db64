import { assertEquals, assertThrows } from "@std/assert";
import type { InboundEvent } from "../../src/core/event.ts";
import {
  fill,
  fillBytes,
  formatTemplate,
  parsePlaceholder,
  type Template,
  TemplateError,
  type TemplateSubject,
} from "../../src/core/template.ts";
import { anEvent, bytes } from "../support/events.ts";

const BINARY = new Uint8Array([0x00, 0xff, 0xfe]);

/** A template of what stands between braces: `a`, `{event.key}`. */
function template(...parts: readonly string[]): Template {
  return {
    parts: parts.map((part) =>
      part.startsWith("{") ? parsePlaceholder(part.slice(1, -1)) ?? `no placeholder: ${part}` : part
    ),
  };
}

function text(placeholder: string, subject: TemplateSubject): string {
  return fill(template(`{${placeholder}}`), subject, (value) => new TextDecoder().decode(value));
}

const EVENT: InboundEvent = anEvent({
  topic: "ORDERS",
  partition: 3,
  offset: 1842,
  timestampMs: 1652708532000,
  key: bytes("key-1"),
  headers: [
    ["X-Tenant", bytes("first")],
    ["x-tenant", bytes("second")],
    ["x-null", null],
    ["a.b", bytes("dotted")],
    ["__proto__", bytes("proto")],
  ],
  value: bytes(JSON.stringify({
    id: 7,
    price: 1.5,
    ok: false,
    nothing: null,
    empty: "",
    list: ["zero", { name: "one" }],
    "": "unnamed",
    constructor: "own",
    customer: { id: "c-1" },
  })),
});

const RESPONSE = {
  status: 201,
  headers: new Map([["x-region", "eu"], ["x-name", "M\xc3\xbc\xff"]]),
  body: bytes(
    '{"id":"r-1","big":12345678901234567890,"exp":1e2,"all":[12345678901234567890,1.10,1e400,"x",null]}',
  ),
};

Deno.test("fill() knows what can be said of an event and its response", async (t) => {
  const table: [placeholder: string, expected: string][] = [
    ["event.key", "key-1"],
    ["event.topic", "ORDERS"],
    ["event.partition", "3"],
    ["event.offset", "1842"],
    ["event.timestamp", "1652708532000"],
    ["event.headers.x-tenant", "first"],
    ["event.headers.X-TENANT", "first"],
    ["event.headers.a.b", "dotted"],
    ["event.headers.__proto__", "proto"],
    ["event.value.id", "7"],
    ["event.value.price", "1.5"],
    ["event.value.ok", "false"],
    ["event.value.empty", ""],
    ["event.value.constructor", "own"],
    ["event.value.customer.id", "c-1"],
    ["event.value.customer", '{"id":"c-1"}'],
    ["event.value.list.0", "zero"],
    ["event.value.list.1.name", "one"],
    ["response.status", "201"],
    ["response.headers.X-Region", "eu"],
    ["response.body.id", "r-1"],
    ["response.body.big", "12345678901234567890"],
    ["response.body.exp", "100"],
    ["response.body.all", '[12345678901234567890,1.10,1e400,"x",null]'],
    ["event.value.absent:-none", "none"],
    ["event.value.absent:-", ""],
    ["event.value.nothing:-a:-b", "a:-b"],
    ["event.value.empty:-none", ""],
  ];
  for (const [placeholder, expected] of table) {
    await t.step(
      placeholder,
      () => assertEquals(text(placeholder, { event: EVENT, response: RESPONSE }), expected),
    );
  }
});

Deno.test("fill() fails when there is no value for a placeholder, and says for which", async (t) => {
  const table: [placeholder: string, subject: TemplateSubject][] = [
    ["event.key", { event: anEvent({ key: null }) }],
    ["event.headers.absent", { event: EVENT }],
    ["event.headers.x-null", { event: EVENT }],
    ["event.value.absent", { event: EVENT }],
    ["event.value.nothing", { event: EVENT }],
    ["event.value.id.further", { event: EVENT }],
    ["event.value.__proto__", { event: EVENT }],
    ["event.value.toString", { event: EVENT }],
    ["event.value.id", { event: anEvent({ value: null }) }],
    ["event.value.id", { event: anEvent({ value: bytes("no JSON") }) }],
    ["event.value.id", { event: anEvent({ value: BINARY }) }],
    ["response.status", { event: EVENT }],
    ["response.headers.absent", { event: EVENT, response: RESPONSE }],
    ["response.headers.a", { event: EVENT, response: { body: bytes("") } }],
    ["response.body.absent", { event: EVENT, response: RESPONSE }],
  ];
  for (const [placeholder, subject] of table) {
    await t.step(placeholder, () => {
      const error = assertThrows(() => text(placeholder, subject), TemplateError);
      assertEquals(
        error.message,
        `no value for \${${placeholder}}; write \${${placeholder}:-...} to set a default`,
      );
    });
  }
});

Deno.test("fillBytes() keeps what is no text byte for byte", () => {
  const event = anEvent({ key: BINARY });
  assertEquals(fillBytes(template("{event.key}"), { event }), BINARY);
  assertEquals(
    fillBytes(template("a-", "{event.key}", "-b"), { event }),
    new Uint8Array([...bytes("a-"), ...BINARY, ...bytes("-b")]),
  );
  assertEquals(fillBytes({ parts: [] }, { event }), new Uint8Array());
});

Deno.test("fill() encodes what goes into placeholders, and nothing else", () => {
  const filled = fill(template("a/", "{event.key}", "/b"), { event: EVENT }, () => "<>");
  assertEquals(filled, "a/<>/b");
});

Deno.test("parsePlaceholder() takes nothing that is not defined", async (t) => {
  const names = [
    "event",
    "event.",
    "event.value",
    "event.value.",
    "event.value.a..b",
    "event.headers",
    "event.headers.",
    "event.key.a",
    "response.body",
    "response.state",
    "EVENT.key",
    " event.key",
  ];
  for (const name of names) await t.step(name, () => assertEquals(parsePlaceholder(name), null));
});

Deno.test("formatTemplate() gives a template back as it was written", () => {
  const written = template("a/", "{event.value.id:-none}", "/", "{response.status}");
  assertEquals(formatTemplate(written), "a/${event.value.id:-none}/${response.status}");
});

Deno.test("fill() fails for JSON that is nested too deeply to be read in full, instead of ending the pipeline", () => {
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  const event = anEvent({ value: bytes(`{"price":1.5,"id":"a","deep":${deep}}`) });
  assertEquals(text("event.value.id", { event }), "a");
  for (const placeholder of ["event.value.price", "event.value.deep"]) {
    assertThrows(
      () => text(placeholder, { event }),
      TemplateError,
      "the JSON is nested too deeply",
    );
  }
});

Deno.test("fill() fails for JSON that would take much memory, instead of reading it", () => {
  const tooMuch = "the JSON has too many lists, objects and items to be looked into";
  const eightMegabytes = (part: string) => `{"id":"a","price":1.5,"all":[${part.repeat(4e6)}1]}`;
  for (const part of ["[", "1,"]) {
    const event = anEvent({ value: bytes(eightMegabytes(part)) });
    assertThrows(() => text("event.value.id", { event }), TemplateError, tooMuch);
  }
  const event = anEvent({ value: bytes(eightMegabytes("1,").replaceAll("1,1,1,", "12345,")) });
  assertEquals(text("event.value.id", { event }), "a");
  for (const placeholder of ["event.value.price", "event.value.all"]) {
    assertThrows(() => text(placeholder, { event }), TemplateError, tooMuch);
  }
});

Deno.test("fill() finds no fields in megabytes of text that is no JSON, and takes the default", () => {
  const event = anEvent({ value: bytes("1,2,".repeat(1_000_000)) });
  assertEquals(text("event.value.id:-none", { event }), "none");
});

Deno.test("fill() reads a list of 1 MiB of small numbers in full", () => {
  const items = "0,".repeat(520_000);
  const event = anEvent({ value: bytes(`{"id":12345678901234567890,"a":[${items}1]}`) });
  assertEquals(text("event.value.id", { event }), "12345678901234567890");
});

Deno.test("fill() reads JSON of 1 MB in full", () => {
  const items = `{"id":1.0,"name":"a"},`.repeat(45_000);
  const event = anEvent({ value: bytes(`{"items":[${items}{}],"price":12.50}`) });
  assertEquals(text("event.value.price", { event }), "12.50");
  assertEquals(text("event.value.items", { event }), `[${items}{}]`);
});

Deno.test("fillBytes() takes headers of responses byte for byte, and texts around them as UTF-8", () => {
  assertEquals(
    fillBytes(template("\u00fc:", "{response.headers.x-name}"), {
      event: EVENT,
      response: RESPONSE,
    }),
    Uint8Array.of(0xc3, 0xbc, 0x3a, 0x4d, 0xc3, 0xbc, 0xff),
  );
});
