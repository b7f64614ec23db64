import { assertEquals } from "@std/assert";
import { Redaction } from "../../src/process/redaction.ts";
import { valueLines, valueText } from "../../src/process/byte_text.ts";
import { bytes } from "../support/events.ts";

const NOTHING_SECRET = new Redaction([]);
const SECRET = new Redaction(["password"]);

const LINES: readonly [name: string, value: string | readonly number[], lines: string[]][] = [
  ["text as its lines", "a\nb ü 🎉\n", ["a", "b ü 🎉", ""]],
  ["nothing", "", ["(empty)"]],
  ["what a terminal would act on", "\x1b[2J\x07\x9b1m\r\x00", [
    "\\u{1b}[2J\\u{7}\\u{9b}1m\\u{d}\\u{0}",
  ]],
  ["what would change the direction of text", "a\u202eb\u2028", ["a\\u{202e}b\\u{2028}"]],
  ["tabs as spaces", "a\tb", ["a    b"]],
  ["a byte order mark", "\ufeffa", ["\\u{feff}a"]],
  ["bytes that are no text", [255, 0], ["(no UTF-8 text: 2 bytes, in base64)", "/wA="]],
  ["one byte that is no text", [255], ["(no UTF-8 text: 1 byte, in base64)", "/w=="]],
];

for (const [name, value, expected] of LINES) {
  Deno.test(`valueLines() shows ${name}`, () => {
    const content = typeof value === "string" ? bytes(value) : new Uint8Array(value);
    assertEquals(valueLines(content, NOTHING_SECRET), expected);
  });
}

Deno.test("valueLines() cuts what is large, and says how large it is", () => {
  const [text = "", note] = valueLines(bytes("é".repeat(20_000)), NOTHING_SECRET);
  assertEquals([text.length, note], [8192, "(cut here; it has 40,000 bytes)"]);
  const binary = valueLines(new Uint8Array(20_000).fill(255), NOTHING_SECRET);
  assertEquals([binary.length, binary.at(-1)], [84, "(cut here; it has 20,000 bytes)"]);
});

Deno.test("valueLines() hides a secret, even where the text is cut and among bytes that are no text", () => {
  const filler = "a".repeat(8190);
  assertEquals(valueLines(bytes(`${filler}password`), SECRET)[0], `${filler}**`);
  assertEquals(valueLines(new Uint8Array([255, ...bytes("password")]), SECRET)[1], "/yoqKg==");
});

Deno.test("valueText() shows one line, whatever the bytes are", () => {
  assertEquals(valueText(null, SECRET), "(null)");
  assertEquals(valueText(bytes(""), SECRET), "(empty)");
  assertEquals(valueText(bytes("a\nb password"), SECRET), "a\\u{a}b ***");
  const base64 = valueText(new Uint8Array([255]), SECRET);
  assertEquals(base64, "(no UTF-8 text: 1 byte, in base64) /w==");
});
