import { assertEquals } from "@std/assert";
import type { RecordHeader } from "../../../src/core/event.ts";
import type { Result } from "../../../src/core/handler.ts";
import { resultRecord } from "../../../src/core/pipeline/result_record.ts";
import { anEvent, bytes, QUEUE } from "../../support/events.ts";
import { aResult } from "../../support/fakes/handler.ts";

const BARE_RESULT: Result = { ...aResult(), headers: [] };

Deno.test("resultRecord() has the event's key and the result's value, byte for byte", () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  const { key, value } = resultRecord(anEvent({ key: all }), { ...BARE_RESULT, value: all });
  assertEquals({ key, value }, { key: all, value: all });
});

Deno.test("resultRecord() keeps an absent key absent and an empty one empty", () => {
  assertEquals(resultRecord(anEvent({ key: null }), BARE_RESULT).key, null);
  assertEquals(resultRecord(anEvent({ key: bytes("") }), BARE_RESULT).key, bytes(""));
});

Deno.test("resultRecord() has an empty value and no tombstone, when the result is empty", () => {
  assertEquals(resultRecord(anEvent(), { ...BARE_RESULT, value: bytes("") }).value, bytes(""));
});

Deno.test("resultRecord() says where the event stood", () => {
  const event = anEvent({ topic: "MY_FIRST_TOPIC", partition: 3, offset: 2 ** 53 - 1 });
  assertEquals(asText(resultRecord(event, BARE_RESULT).headers), [
    ["eventor-source-topic", "MY_FIRST_TOPIC"],
    ["eventor-source-partition", "3"],
    ["eventor-source-offset", "9007199254740991"],
  ]);
});

Deno.test("resultRecord() has the facts of each source, however many values they have", () => {
  assertEquals(asText(resultRecord(anEvent({ origin: QUEUE }), BARE_RESULT).headers), [
    ["eventor-source-queue", "orders"],
    ["eventor-source-routing-key", "näh"],
  ]);
  for (let offset = 0; offset < 600; offset++) {
    const { headers } = resultRecord(anEvent({ offset }), BARE_RESULT);
    assertEquals(asText(headers)[2], ["eventor-source-offset", `${offset}`]);
  }
});

Deno.test("resultRecord() has the event's headers, then the result's, then the source's, each in their order", () => {
  const headers: RecordHeader[] = [
    ["z", bytes("1")],
    ["a", null],
    ["z", bytes("2")],
    ["constructor", bytes("")],
    ["__proto__", bytes("3")],
  ];
  const result: Result = {
    ...BARE_RESULT,
    headers: [["content-type", bytes("text/plain")], ["eventor-status", bytes("200")]],
  };

  assertEquals(asText(resultRecord(anEvent({ headers }), result).headers), [
    ["z", "1"],
    ["a", null],
    ["z", "2"],
    ["constructor", ""],
    ["__proto__", "3"],
    ["content-type", "text/plain"],
    ["eventor-status", "200"],
    ["eventor-source-topic", "MY_FIRST_TOPIC"],
    ["eventor-source-partition", "0"],
    ["eventor-source-offset", "184"],
  ]);
});

const PASSED_ON: { what: string; names: string[]; passedOn: boolean }[] = [
  {
    what: "describe its own value",
    names: ["content-type", "Content-Type", "content-encoding", "CONTENT-LENGTH"],
    passedOn: false,
  },
  {
    what: "eventor has set on an earlier way",
    names: ["eventor-status", "eventor-source-topic", "Eventor-Attempt"],
    passedOn: false,
  },
  {
    what: "belong to one connection (RFC 9110, 7.6.1)",
    names: ["connection", "Keep-Alive", "te", "trailer", "transfer-encoding", "upgrade"],
    passedOn: false,
  },
  {
    what: "may hold secrets of its sender",
    names: ["Authorization", "cookie", "set-cookie", "proxy-authorization", "proxy-authenticate"],
    passedOn: false,
  },
  {
    what: "are the user's own",
    names: ["traceparent", "x-tenant", "contents", "eventor", "my-cookie", "", "Größe"],
    passedOn: true,
  },
];

for (const { what, names, passedOn } of PASSED_ON) {
  Deno.test(`resultRecord() ${passedOn ? "passes on" : "leaves out"} headers of the event that ${what}`, () => {
    const headers = names.map((name) => [name, bytes("value")] as const);
    const kept = resultRecord(anEvent({ headers }), BARE_RESULT).headers
      .map(([name]) => name)
      .filter((name) => !name.startsWith("eventor-source-"));
    assertEquals(kept, passedOn ? names : []);
  });
}

Deno.test("resultRecord() replaces headers of the event by those of the result, whatever their case", () => {
  const event = anEvent({ headers: [["X-Tenant", bytes("a")], ["x-tenant", bytes("b")]] });
  const result: Result = { ...BARE_RESULT, headers: [["x-tenant", bytes("c")]] };
  assertEquals(asText(resultRecord(event, result).headers).slice(0, 2), [
    ["x-tenant", "c"],
    ["eventor-source-topic", "MY_FIRST_TOPIC"],
  ]);
});

Deno.test("resultRecord() names one source, when its event is itself a result", () => {
  const first = resultRecord(anEvent({ topic: "A", offset: 1 }), aResult());
  const second = resultRecord(
    anEvent({ topic: "B", offset: 2, headers: first.headers }),
    aResult(),
  );
  assertEquals(asText(second.headers), [
    ["eventor-status", "200"],
    ["eventor-source-topic", "B"],
    ["eventor-source-partition", "0"],
    ["eventor-source-offset", "2"],
  ]);
});

function asText(headers: readonly RecordHeader[]): [string, string | null][] {
  return headers.map(([name, value]) => [name, value && new TextDecoder().decode(value)]);
}
