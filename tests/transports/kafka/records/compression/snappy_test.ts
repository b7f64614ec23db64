import { assertEquals, assertRejects } from "@std/assert";
import { compressSnappy } from "../../../../../src/transports/kafka/records/compression/snappy.ts";
import { bytes } from "../../../../support/events.ts";
import { decompressOf, survivesDamage, TEXT } from "./compressed.ts";

const decompressSnappy = decompressOf(2);

const XERIAL_HEADER = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];

Deno.test("snappy reads what compressSnappy() wrote", async () => {
  for (const original of [TEXT, "", "a", "ab".repeat(100_000)]) {
    const compressed = compressSnappy(bytes(original));
    assertEquals(text(await decompressSnappy(compressed, original.length)), original);
  }
});

Deno.test("snappy reads every kind of element", async () => {
  const elements = [
    ...[0x00, 0x61], // a literal of one byte
    ...[0xf0, 0x02, 0x62, 0x63, 0x64], // a literal with its length in a byte of its own
    ...[0xf4, 0x01, 0x00, 0x65, 0x66], // the same in two bytes
    ...[0x01, 0x06], // a copy of 4 bytes from 6 before
    ...[0x0a, 0x02, 0x00], // a copy of 3 bytes from 2 before
    ...[0x0b, 0x01, 0x00, 0x00, 0x00], // a copy of 3 bytes from 1 before
  ];
  const original = "abcdefabcdcdcccc";
  assertEquals(
    text(await decompressSnappy(Uint8Array.of(original.length, ...elements), 100)),
    original,
  );
});

Deno.test("snappy reads blocks in frames, as Java writes them", async () => {
  const framed = [...XERIAL_HEADER, ...frame("one "), ...frame("two "), ...frame("three")];
  assertEquals(text(await decompressSnappy(Uint8Array.from(framed), 100)), "one two three");
});

Deno.test("snappy refuses what takes more than the limit, of all blocks together", async () => {
  const message = "it takes more than 1 MiB uncompressed";
  const half = compressSnappy(new Uint8Array(2 ** 19));
  const framed = Uint8Array.of(...XERIAL_HEADER, ...frame(half), ...frame(half));
  const further = Uint8Array.of(...framed, ...frame("."));

  assertEquals((await decompressSnappy(framed, 2 ** 20)).length, 2 ** 20);
  await assertRejects(() => decompressSnappy(further, 2 ** 20), Error, message);
});

Deno.test("snappy refuses what has another length than it says", async () => {
  for (const length of [[1], [3], [0xff, 0xff, 0xff, 0xff, 0x0f]]) {
    const block = Uint8Array.of(...length, 0x04, 0x61, 0x62);
    await assertRejects(() => decompressSnappy(block, 100), Error, "it is damaged");
  }
});

Deno.test("snappy does not fall for damaged bytes", async () => {
  const block = compressSnappy(bytes(TEXT));
  await survivesDamage(block, decompressSnappy);
  await survivesDamage(Uint8Array.of(...XERIAL_HEADER, ...frame(block)), decompressSnappy);
});

function frame(block: string | Uint8Array): number[] {
  const compressed = typeof block === "string" ? compressSnappy(bytes(block)) : block;
  const length = compressed.length;
  return [length >> 24, length >> 16 & 0xff, length >> 8 & 0xff, length & 0xff, ...compressed];
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
