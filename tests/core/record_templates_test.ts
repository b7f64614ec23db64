import { assertEquals, assertThrows } from "@std/assert";
import { shapedRecord } from "../../src/core/record_templates.ts";
import type { OutboundRecord } from "../../src/core/result_processor.ts";
import { parsePlaceholder, type Template, TemplateError } from "../../src/core/template.ts";
import { anEvent, bytes } from "../support/events.ts";
import { aResult } from "../support/fakes/handler.ts";

const BINARY = new Uint8Array([0xff, 0x00]);
const EVENT = anEvent({ key: BINARY, value: bytes('{"id":"c-1"}') });
const RESULT = {
  ...aResult("onSuccess", { value: '{"region":"EU"}' }),
  response: { status: 201, headers: new Map([["x-region", "US"]]) },
};
const RECORD: OutboundRecord = {
  key: BINARY,
  value: bytes("result"),
  headers: [["x-id", bytes("1")], ["X-ID", bytes("2")], ["other", null]],
};

function placeholder(name: string): Template {
  return { parts: [parsePlaceholder(name)!] };
}

Deno.test("shapedRecord() gives a record the key that is asked for, byte for byte", () => {
  const source = { event: EVENT, result: RESULT };
  assertEquals(shapedRecord(RECORD, {}, source), RECORD);
  assertEquals(shapedRecord(RECORD, { key: placeholder("event.key") }, source).key, BINARY);
  assertEquals(
    shapedRecord(RECORD, { key: placeholder("event.value.id") }, source).key,
    bytes("c-1"),
  );
  assertEquals(
    shapedRecord(RECORD, { key: placeholder("response.body.region") }, source).key,
    bytes("EU"),
  );
  assertEquals(shapedRecord(RECORD, { key: { parts: ["all"] } }, source).key, bytes("all"));
});

Deno.test("shapedRecord() leaves an event without a key without one, unless a default is given", () => {
  const source = { event: anEvent({ key: null }), result: RESULT };
  assertEquals(shapedRecord(RECORD, { key: placeholder("event.key") }, source).key, null);
  assertEquals(
    shapedRecord(RECORD, { key: placeholder("event.key:-none") }, source).key,
    bytes("none"),
  );
  assertThrows(
    () =>
      shapedRecord(RECORD, { key: { parts: ["a-", ...placeholder("event.key").parts] } }, source),
    TemplateError,
  );
});

Deno.test("shapedRecord() puts headers in place of all others of their names", () => {
  const { headers } = shapedRecord(RECORD, {
    headers: [["x-Id", placeholder("event.key")], ["status", placeholder("response.status")]],
  }, { event: EVENT, result: RESULT });
  assertEquals(headers, [["other", null], ["x-Id", BINARY], ["status", bytes("201")]]);
});

Deno.test("shapedRecord() names a destination that is allowed, and no other", async (t) => {
  const destination = {
    template: { parts: ["ORDERS_", ...placeholder("response.headers.x-region").parts] },
    allowed: ["ORDERS_EU", "ORDERS_US"],
  };
  assertEquals(
    shapedRecord(RECORD, { destination }, { event: EVENT, result: RESULT }).destination,
    "ORDERS_US",
  );
  for (const region of ["XX", "", "us", "US ", "US\n", "../x"]) {
    await t.step(JSON.stringify(region), () => {
      const response = { status: 200, headers: new Map([["x-region", region]]) };
      const error = assertThrows(
        () =>
          shapedRecord(RECORD, { destination }, {
            event: EVENT,
            result: { ...RESULT, response },
          }),
        TemplateError,
      );
      assertEquals(error.message, "the result's destination is none of those that are allowed");
    });
  }
});

Deno.test("shapedRecord() has nothing of a response for a tombstone", () => {
  const source = { event: EVENT, result: undefined };
  assertThrows(
    () => shapedRecord(RECORD, { key: placeholder("response.status") }, source),
    TemplateError,
  );
  assertEquals(
    shapedRecord(RECORD, { key: placeholder("response.status:-0") }, source).key,
    bytes("0"),
  );
});
