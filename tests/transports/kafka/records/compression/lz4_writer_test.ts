import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../../../../src/core/event.ts";
import { compressLz4 } from "../../../../../src/transports/kafka/records/compression/lz4_writer.ts";
import { seededRandom } from "../../../../support/seeded_random.ts";
import { decompressOf, TEXT } from "./compressed.ts";

const LIMIT = 10_000_000;

Deno.test("compressLz4() writes what is read as it was", async (t) => {
  const random = seededRandom(5);
  const cases: [string, Bytes][] = [
    ["nothing", new Uint8Array()],
    ...[1, 4, 5, 11, 12, 13, 14, 20].map((length): [string, Bytes] => [
      `${length} times the same byte`,
      new Uint8Array(length).fill(7),
    ]),
    ["a text", new TextEncoder().encode(TEXT)],
    ["zeros in several blocks", new Uint8Array(200_000)],
    ["exactly a block", mixed(random, 65_536)],
    ["a byte more than a block", mixed(random, 65_537)],
    ["what cannot be compressed", Uint8Array.from({ length: 100_000 }, () => 256 * random())],
    ["long runs with a change between", runs(random, 300_000)],
  ];
  for (let number = 0; number < 300; number++) {
    cases.push([`mixture ${number}`, mixed(random, Math.floor(random() * 3000))]);
  }
  for (const [name, bytes] of cases) {
    await t.step(name, async () => {
      const frame = compressLz4(bytes);
      const read = await decompressOf(3)(frame, LIMIT);
      assertEquals(read.length, bytes.length);
      assert(read.every((byte, index) => byte === bytes[index]));
      assert(frame.length <= bytes.length + 4 * Math.ceil(bytes.length / 65_536) + 11);
    });
  }
});

Deno.test("compressLz4() makes what repeats much smaller", () => {
  assert(compressLz4(new TextEncoder().encode(TEXT)).length < TEXT.length / 4);
  assert(compressLz4(new Uint8Array(64_000)).length < 300);
});

/** Few different bytes, with parts of before among them. */
function mixed(random: () => number, length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let position = 0; position < length;) {
    const count = Math.min(1 + Math.floor(random() ** 3 * 400), length - position);
    if (position > 0 && random() < 0.5) {
      const from = Math.floor(random() * position);
      for (let i = 0; i < count; i++) bytes[position + i] = bytes[from + i] ?? 0;
    } else {
      for (let i = 0; i < count; i++) bytes[position + i] = 8 * random();
    }
    position += count;
  }
  return bytes;
}

function runs(random: () => number, length: number): Bytes {
  return Uint8Array.from({ length }, (_, index) => index % 5000 < 4990 ? 1 : 256 * random());
}
