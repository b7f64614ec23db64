import type { Bytes, RecordHeader } from "../../src/core/event.ts";
import { HOSTILE_HEADERS } from "../support/hostile_headers.ts";

/** What the records of a transport can hold besides a value of any bytes. */
export interface RecordCapabilities {
  readonly keys: boolean;
  /** A value of null, which is not the same as an empty one. */
  readonly nullValue: boolean;
  /** Headers of any name, with any bytes or null as their value; otherwise both are visible ASCII. */
  readonly binaryHeaders: boolean;
  /** Headers are a list; otherwise each name is there once, and their order does not count. */
  readonly repeatedHeaders: boolean;
}

/** What a record holds. */
export interface PlainRecord {
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
}

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const VISIBLE = /^[\x21-\x7e]+$/;

/** Records that show whether a transport changes what it can hold. */
export function hostileRecords(capabilities: RecordCapabilities): PlainRecord[] {
  const records: PlainRecord[] = [
    { key: ALL_BYTES, value: ALL_BYTES, headers: [["bytes", ALL_BYTES]] },
    { key: null, value: new Uint8Array(), headers: [] },
    { key: new Uint8Array(), value: null, headers: [["null", null], ["empty", new Uint8Array()]] },
    { key: ALL_BYTES.subarray(3, 5), value: ALL_BYTES.subarray(200), headers: HOSTILE_HEADERS },
    { key: null, value: null, headers: [] },
  ];
  return records.map((record) => withinCapabilities(record, capabilities));
}

/** Records whose values are the numbers from `from` on. */
export function numberedRecords(count: number, from = 0): PlainRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    key: null,
    value: new TextEncoder().encode(`${from + index}`),
    headers: [],
  }));
}

/** A record in a form that can be compared with others of the same transport. */
export function comparable(
  { key, value, headers }: PlainRecord,
  { repeatedHeaders }: RecordCapabilities,
): PlainRecord {
  const list = headers.map(([name, value]): RecordHeader => [name, plain(value)]);
  return {
    key: plain(key),
    value: plain(value),
    headers: repeatedHeaders ? list : list.sort(([one], [other]) => one < other ? -1 : 1),
  };
}

/** The text of a value. */
export function textOf({ value }: Pick<PlainRecord, "value">): string {
  return new TextDecoder().decode(value ?? undefined);
}

function withinCapabilities(
  { key, value, headers }: PlainRecord,
  { keys, nullValue, binaryHeaders, repeatedHeaders }: RecordCapabilities,
): PlainRecord {
  const held = headers
    .filter(([name, value]) =>
      binaryHeaders ||
      VISIBLE.test(name) && value !== null && VISIBLE.test(new TextDecoder().decode(value))
    )
    .filter(([name], index, all) =>
      repeatedHeaders || all.findIndex(([other]) => other === name) === index
    );
  return {
    key: keys ? key : null,
    value: value ?? (nullValue ? null : new Uint8Array()),
    headers: held,
  };
}

/** A transport may hand over any kind of Uint8Array. */
function plain(bytes: Bytes | null): Bytes | null {
  return bytes && new Uint8Array(bytes);
}
