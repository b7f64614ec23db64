import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Bytes, RecordHeader } from "../../../../src/core/event.ts";
import {
  type BatchedRecord,
  RecordReader,
} from "../../../../src/transports/kafka/records/record_reader.ts";
import { bytes } from "../../../support/events.ts";
import { HOSTILE_HEADERS, manyHeaders } from "../../../support/hostile_headers.ts";
import {
  concat,
  recordBytes,
  type RecordFields,
  varint,
} from "../../../support/kafka/record_bytes.ts";

const CASES: { name: string; record: RecordFields }[] = [
  { name: "a record of nothing", record: {} },
  { name: "an empty key and no value", record: { key: new Uint8Array(), value: null } },
  { name: "no key and an empty value", record: { key: null, value: new Uint8Array() } },
  {
    name: "bytes that are no text",
    record: { key: Uint8Array.of(0, 255, 0xc3), value: Uint8Array.of(0xed, 0xa0, 0x80, 0) },
  },
  {
    name: "a value of 300,000 bytes",
    record: { value: new Uint8Array(300_000).map((_, index) => index) },
  },
  { name: "hostile headers", record: { headers: HOSTILE_HEADERS } },
  { name: "10,000 headers", record: { headers: manyHeaders(10_000) } },
  {
    name: "names in any script, with control characters and marks",
    record: { headers: [["größe-名前-🎈", bytes("1")], ["\0\r\n", null], ["\ufeffa", null]] },
  },
  ...[0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 40 + 1, -(2 ** 52)]
    .map((number) => ({
      name: `the number ${number}`,
      record: { timestampDeltaMs: number, offsetDelta: number },
    })),
];

for (const { name, record } of CASES) {
  Deno.test(`RecordReader reads as it was written: ${name}`, () => {
    assertEquals(new RecordReader(recordBytes(record)).read(), {
      timestampDeltaMs: 0,
      offsetDelta: 0,
      key: null,
      value: null,
      headers: [],
      ...record,
    });
  });
}

Deno.test("RecordReader reads records one after the other", () => {
  const reader = new RecordReader(concat(
    recordBytes({ offsetDelta: 0, key: bytes("a") }),
    recordBytes({ offsetDelta: 3, value: bytes("b") }),
  ));
  const read = [reader.read(), reader.read()];
  assertEquals(read.map(({ offsetDelta, key, value }) => ({ offsetDelta, key, value })), [
    { offsetDelta: 0, key: bytes("a"), value: null },
    { offsetDelta: 3, key: null, value: bytes("b") },
  ]);
  assertThrows(() => reader.read(), RangeError);
});

Deno.test("RecordReader passes over what later versions of the format may have behind the headers", () => {
  const reader = new RecordReader(concat(
    recordBytes({ headers: [["a", null]], behindHeaders: bytes("later") }),
    recordBytes({ offsetDelta: 1 }),
  ));
  assertEquals(reader.read().headers, [["a", null]]);
  assertEquals(reader.read().offsetDelta, 1);
});

Deno.test("RecordReader takes a header without a name for one with an empty name", () => {
  const record = recordBytes({
    headerCount: 1,
    behindHeaders: concat(varint(-1), varint(1), bytes("v")),
  });
  assertEquals(new RecordReader(record).read().headers, [["", bytes("v")]]);
});

Deno.test("RecordReader reads at most to its last byte, when it was given a part of a buffer", () => {
  const record = recordBytes({ key: bytes("key"), value: bytes("value") });
  const buffer = concat(bytes("before"), record, bytes("behind"));
  const part = buffer.subarray(6, 6 + record.length);
  const { key, value } = new RecordReader(part).read();
  assertEquals({ key, value }, { key: bytes("key"), value: bytes("value") });
  assertThrows(() => new RecordReader(part.subarray(0, -1)).read(), RangeError);
});

Deno.test("RecordReader copies neither keys, nor values, nor values of headers", () => {
  const all = recordBytes({ key: bytes("k"), value: bytes("v"), headers: [["h", bytes("h")]] });
  const { key, value, headers } = new RecordReader(all).read();
  for (const view of [key, value, headers[0]?.[1]]) assert(view?.buffer === all.buffer);
});

Deno.test("RecordReader takes time in proportion to the number of headers", () => {
  const few = readingMs(manyHeaders(10_000));
  const many = readingMs(manyHeaders(100_000));
  assert(many < 50 * few + 50, `${few} ms for 10,000, ${many} ms for 100,000`);
});

const DAMAGED: { name: string; record: Bytes }[] = [
  { name: "no bytes", record: new Uint8Array() },
  { name: "a number that has no end", record: new Uint8Array(5).fill(0x80) },
  { name: "a number of 200 bytes", record: withTimestampDelta(Array(199).fill(0x80).concat(1)) },
  { name: "a number of 11 bytes", record: withTimestampDelta(Array(10).fill(0x80).concat(1)) },
  { name: "a record longer than the batch", record: recordBytes().with(0, 100) },
  { name: "a record shorter than its fields", record: recordBytes({ key: bytes("k") }).with(0, 2) },
  { name: "a record of length 0", record: recordBytes().with(0, 0) },
  { name: "a record of negative length", record: recordBytes().with(0, 7) },
  { name: "a key longer than the batch", record: withKeyLength(varint(1000)) },
  { name: "a key as long as a number can be", record: withKeyLength(varint(2 ** 52)) },
  { name: "more headers than there are", record: recordBytes({ headerCount: 1 }) },
  { name: "as many headers as a number can say", record: recordBytes({ headerCount: 2 ** 31 }) },
];

for (const { name, record } of DAMAGED) {
  Deno.test(`RecordReader throws, when there is ${name}`, () => {
    assertThrows(() => new RecordReader(record).read(), RangeError, "Cannot read a record");
  });
}

Deno.test("RecordReader throws, wherever a record is cut off", () => {
  const record = recordBytes({
    timestampDeltaMs: 1000,
    key: bytes("key"),
    value: bytes("value"),
    headers: HOSTILE_HEADERS,
  });
  for (let length = 0; length < record.length; length++) {
    assertThrows(() => new RecordReader(record.subarray(0, length)).read(), RangeError);
  }
});

/** Of several runs the fastest, which nothing else has slowed down. */
function readingMs(headers: readonly RecordHeader[]): number {
  const record = recordBytes({ headers });
  let fastestMs = Infinity;
  for (let run = 0; run < 3; run++) {
    const startedAt = performance.now();
    const read: BatchedRecord = new RecordReader(record).read();
    fastestMs = Math.min(fastestMs, performance.now() - startedAt);
    assertEquals(read.headers.length, headers.length);
  }
  return fastestMs;
}

function withTimestampDelta(delta: readonly number[]): Bytes {
  const body = concat([0], delta, varint(0), varint(-1), varint(-1), varint(0));
  return concat(varint(body.length), body);
}

function withKeyLength(length: readonly number[]): Bytes {
  const body = concat([0], varint(0), varint(0), length, bytes("k"), varint(-1), varint(0));
  return concat(varint(body.length), body);
}
