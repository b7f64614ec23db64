import type { RecordHeader } from "../../src/core/event.ts";
import { bytes } from "./events.ts";

/** Headers that are no object: repeated, null, in an order that counts, and with names that objects have plans for. */
export const HOSTILE_HEADERS: readonly RecordHeader[] = [
  ["z", bytes("1")],
  ["constructor", bytes("2")],
  ["__proto__", bytes("3")],
  ["toString", null],
  ["10", bytes("4")],
  ["9", bytes("5")],
  ["z", null],
  ["a", new Uint8Array()],
  ["", bytes("6")],
  ["z", bytes("7")],
  ["Zoë", bytes("8")],
];

/** So many headers with few names, in an order that shows when it is lost. */
export function manyHeaders(count: number): RecordHeader[] {
  return Array.from(
    { length: count },
    (_, number) => [`h${number % 7}`, bytes(`${number}`)],
  );
}
