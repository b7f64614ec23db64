import { assertEquals, assertThrows } from "@std/assert";
import {
  formatJsonLine,
  type JsonRecord,
  parseJsonLine,
} from "../../../src/transports/stdio/json_line.ts";
import { bytes } from "../../support/events.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const NOTHING: JsonRecord = { key: null, value: null, headers: [] };

const ROUND_TRIPS: { what: string; record: JsonRecord }[] = [
  { what: "nothing at all", record: NOTHING },
  { what: "texts", record: { key: bytes("k"), value: bytes('{"a": 1}'), headers: [] } },
  { what: "empty texts", record: { key: bytes(""), value: bytes(""), headers: [["", bytes("")]] } },
  {
    what: "every byte",
    record: { key: ALL_BYTES, value: ALL_BYTES, headers: [["all", ALL_BYTES]] },
  },
  {
    what: "control characters, line ends and quotes",
    record: { ...NOTHING, value: bytes('\0\n\r\t"\\\u007f\u0085\u2028') },
  },
  {
    what: "letters of several bytes and a byte order mark",
    record: { ...NOTHING, key: bytes("\ufeffä"), value: bytes("日本 🦕") },
  },
  {
    what: "text that is the JSON of base64",
    record: { ...NOTHING, value: bytes('{"base64":"AA=="}') },
  },
  {
    what: "headers that repeat, in their order",
    record: { ...NOTHING, headers: [["b", bytes("1")], ["a", bytes("2")], ["b", bytes("3")]] },
  },
  {
    what: "headers with the names of an object's own members",
    record: {
      ...NOTHING,
      headers: [["__proto__", bytes("1")], ["constructor", null], ["toString", ALL_BYTES], [
        "7",
        null,
      ]],
    },
  },
];

for (const { what, record } of ROUND_TRIPS) {
  Deno.test(`formatJsonLine() writes one line that parseJsonLine() reads, with ${what}`, () => {
    const line = formatJsonLine(record);
    assertEquals(line.includes("\n"), false);
    assertEquals(parseJsonLine(bytes(line)), record);
  });
}

for (const byte of ALL_BYTES) {
  Deno.test(`formatJsonLine() and parseJsonLine() keep the byte 0x${byte.toString(16)} by itself`, () => {
    const record = { ...NOTHING, value: Uint8Array.of(byte) };
    assertEquals(parseJsonLine(bytes(formatJsonLine(record))), record);
  });
}

Deno.test("formatJsonLine() writes text as text and other bytes as base64", () => {
  assertEquals(
    formatJsonLine({ key: bytes("k"), value: Uint8Array.of(0xff, 0), headers: [["h", null]] }),
    '{"key":"k","value":{"base64":"/wA="},"headers":[["h",null]]}',
  );
});

const READ: { line: string; record: Partial<JsonRecord> }[] = [
  { line: "{}", record: {} },
  { line: ' {"value" : "v"} \r', record: { value: bytes("v") } },
  { line: '{"value":{"base64":"/wA="}}', record: { value: Uint8Array.of(0xff, 0) } },
  {
    line: '{"value":{"id":7,"tags":["a",null]}}',
    record: { value: bytes('{"id":7,"tags":["a",null]}') },
  },
  { line: '{"value":[1,true]}', record: { value: bytes("[1,true]") } },
  { line: '{"value":false}', record: { value: bytes("false") } },
  { line: '{"value":{}}', record: { value: bytes("{}") } },
  {
    line: '{"value":{"base64":"AA==","more":1}}',
    record: { value: bytes('{"base64":"AA==","more":1}') },
  },
  { line: '{"value":{"base64":1}}', record: { value: bytes('{"base64":1}') } },
  { line: '{"value":{"__proto__":{"a":1}}}', record: { value: bytes('{"__proto__":{"a":1}}') } },
  { line: '{"value":{"toJSON":"a"}}', record: { value: bytes('{"toJSON":"a"}') } },
  {
    line: '{"value":{"id":12345678901234567890}}',
    record: { value: bytes('{"id":12345678901234567890}') },
  },
  { line: '{"value":[1.0,1e400,-0,0.10]}', record: { value: bytes("[1.0,1e400,-0,0.10]") } },
];

for (const { line, record } of READ) {
  Deno.test(`parseJsonLine() reads ${line}`, () => {
    assertEquals(parseJsonLine(bytes(line)), { ...NOTHING, ...record });
  });
}

const NO_OBJECT = "expected one JSON object in UTF-8";
const UNKNOWN = "expected an object with key, value and headers only";
const KEY = "expected 'key' to be a text, base64 or null";
const BASE64 = "expected 'base64' to be valid base64";
const HEADERS =
  "expected 'headers' to be a list of [name, value] with values as texts, base64 or null";

const INVALID: { line: string; message: string }[] = [
  { line: "", message: NO_OBJECT },
  { line: "SECRET", message: NO_OBJECT },
  { line: '{"value":"SECRET', message: NO_OBJECT },
  { line: '{"value":"SECRET"}{}', message: NO_OBJECT },
  { line: '\ufeff{"value":"SECRET"}', message: NO_OBJECT },
  { line: '"SECRET"', message: "expected a JSON object" },
  { line: '["SECRET"]', message: "expected a JSON object" },
  { line: "null", message: "expected a JSON object" },
  { line: "7", message: "expected a JSON object" },
  { line: '{"SECRET":1}', message: UNKNOWN },
  { line: '{"__proto__":{"value":"SECRET"}}', message: UNKNOWN },
  { line: '{"constructor":"SECRET"}', message: UNKNOWN },
  { line: '{"key":7}', message: KEY },
  { line: '{"key":["SECRET"]}', message: KEY },
  { line: '{"key":{"base64":"AA==","SECRET":1}}', message: KEY },
  { line: '{"key":{"base64":"SECRET!"}}', message: BASE64 },
  { line: '{"value":{"base64":"SECRET!"}}', message: BASE64 },
  { line: '{"headers":{"a":"SECRET"}}', message: HEADERS },
  { line: '{"headers":null}', message: HEADERS },
  { line: '{"headers":["SECRET"]}', message: HEADERS },
  { line: '{"headers":[["SECRET"]]}', message: HEADERS },
  { line: '{"headers":[["a","b","SECRET"]]}', message: HEADERS },
  { line: '{"headers":[[7,"SECRET"]]}', message: HEADERS },
  { line: '{"headers":[["SECRET",7]]}', message: HEADERS },
];

for (const { line, message } of INVALID) {
  Deno.test(`parseJsonLine() says what it expected and nothing of the line, when that is ${line}`, () => {
    const error = assertThrows(() => parseJsonLine(bytes(line)), SyntaxError);
    assertEquals(error.message, message);
    assertEquals(error.cause, undefined);
  });
}

Deno.test("parseJsonLine() does not read what is no UTF-8", () => {
  const line = Uint8Array.of(...bytes('{"value":"'), 0xff, ...bytes('"}'));
  assertEquals(assertThrows(() => parseJsonLine(line), SyntaxError).message, NO_OBJECT);
});
