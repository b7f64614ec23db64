import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { constants, gzipSync } from "node:zlib";
import type { Bytes } from "../../../../../src/core/event.ts";
import {
  codecOf,
  decompress,
} from "../../../../../src/transports/kafka/records/compression/codecs.ts";
import { InflationMemory } from "../../../../../src/transports/kafka/records/compression/inflation_memory.ts";
import type { Pieces } from "../../../../../src/transports/kafka/records/compression/pieces.ts";
import { compressLz4 } from "../../../../../src/transports/kafka/records/compression/lz4_writer.ts";
import { compressSnappy } from "../../../../../src/transports/kafka/records/compression/snappy.ts";
import { compressZstd } from "../../../../../src/transports/kafka/records/compression/zstd.ts";
import { seededRandom } from "../../../../support/seeded_random.ts";

const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
const MEBIBYTE = 1024 * 1024;
const DAMAGES = 300;

const COMPRESS: Record<string, (bytes: Bytes) => Bytes | Promise<Bytes>> = {
  gzip: (bytes) => new Uint8Array(gzipSync(bytes)),
  snappy: compressSnappy,
  lz4: compressLz4,
  zstd: compressZstd,
};

for (const [number, name] of ["none", "gzip", "snappy", "lz4", "zstd"].entries()) {
  if (number === 0) continue;
  const codec = codecOf(number)!;
  const compress = COMPRESS[name]!;

  Deno.test(`${name} gives the same in pieces as at once`, async () => {
    assertEquals(codec.name, name);
    for (const content of contents()) {
      const compressed = await compress(content);
      const inflated = await joined(codec.inflate(compressed));
      assert(Buffer.compare(inflated, content) === 0, `${content.length} bytes`);
      const atOnce = await decompress(codec, compressed, 4 * MEBIBYTE);
      assert(Buffer.compare(atOnce, content) === 0);
    }
  });

  Deno.test(`${name} gives small pieces and takes little memory, when little becomes much`, async () => {
    const length = 100 * MEBIBYTE;
    const pieces = codec.inflate(await compress(new Uint8Array(length)));
    let total = 0;
    for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
      total += piece.length;
      assert(piece.length <= MEBIBYTE / 2 && pieces.heldBytes < 10 * MEBIBYTE);
    }
    assertEquals(total, length);
    pieces.close();
  });

  Deno.test(`${name} can be given up between two pieces`, async () => {
    const pieces = codec.inflate(await compress(new Uint8Array(10 * MEBIBYTE)));
    assert(await pieces.next() !== null);
    pieces.close();
  });

  Deno.test(`${name} says so in pieces, when it is cut off`, async () => {
    const compressed = await compress(textOf(200_000));
    for (const length of [compressed.length - 5, compressed.length >> 1, 12]) {
      await assertRejects(() => joined(codec.inflate(compressed.slice(0, length))), Error);
    }
  });

  Deno.test(`${name} ends with an error or soon in pieces, however it is damaged`, async () => {
    const compressed = await compress(textOf(30_000));
    const random = seededRandom(1);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let count = 0; count < DAMAGES; count++) {
      const damaged = compressed.slice();
      for (let changes = 1 + below(4); changes > 0; changes--) {
        damaged[below(damaged.length)] = below(256);
      }
      try {
        await joined(codec.inflate(damaged));
      } catch (error) {
        assert(error instanceof Error && !/Assertion|Type|Range/.test(error.name), `${error}`);
      }
    }
  });
}

Deno.test("gzip gives the same in pieces, however it was compressed, with several members", async () => {
  for (const content of contents()) {
    for (const level of [0, 1, 6, 9]) {
      for (const strategy of [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) {
        const member = gzipSync(content, { level, strategy });
        const members = new Uint8Array(Buffer.concat([member, member]));
        const inflated = await joined(codecOf(1)!.inflate(members));
        assert(Buffer.compare(inflated, Buffer.concat([content, content])) === 0);
      }
    }
  }
});

Deno.test("zstd gives the same in pieces, however hard it was compressed", async () => {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await Zstd.load();
  for (const content of contents().map((content) => content.subarray(0, 400_000))) {
    for (const level of [-7, 1, 5, 9, 15, 22]) {
      const inflated = await joined(codecOf(4)!.inflate(zstd.compress(content, level) as Bytes));
      assert(Buffer.compare(inflated, content) === 0, `${content.length} bytes at level ${level}`);
    }
  }
});

Deno.test("snappy takes little memory, as encoders do not refer far back, and more from where one does", async () => {
  const random = seededRandom(6);
  const start = Uint8Array.from({ length: 3 * MEBIBYTE }, () => Math.floor(random() * 256));
  const near = codecOf(2)!.inflate(compressSnappy(start));
  const pieces: Bytes[] = [];
  for (let piece = await near.next(); piece !== null; piece = await near.next()) {
    pieces.push(piece.slice());
    assert(near.heldBytes < 1.5 * MEBIBYTE, `it takes ${near.heldBytes} bytes`);
  }
  assert(Buffer.compare(Buffer.concat(pieces), start) === 0);

  const literal = [62 << 2, ...littleEndian(start.length - 1, 3)];
  const copy = [(64 - 1) << 2 | 3, ...littleEndian(2 * MEBIBYTE, 4)];
  const block = Buffer.concat([
    Uint8Array.of(...lengthInSevens(start.length + 64)),
    Uint8Array.of(...literal),
    start,
    Uint8Array.of(...copy),
  ]);
  const memory = new InflationMemory();
  const inflated = await joined(memory.inPieces(codecOf(2)!, new Uint8Array(block)));
  const expected = Buffer.concat([start, start.subarray(MEBIBYTE, MEBIBYTE + 64)]);
  assert(Buffer.compare(inflated, expected) === 0);
});

Deno.test("zstd says so, when its window is too large and so is its content", async () => {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await Zstd.load();
  const random = seededRandom(5);
  const content = new Uint8Array(12 * MEBIBYTE);
  for (let at = 0; at < MEBIBYTE; at++) content[at] = Math.floor(random() * 256);
  content.set(content.subarray(0, MEBIBYTE), 11 * MEBIBYTE);
  const pieces = codecOf(4)!.inflate(zstd.compress(content, 22) as Bytes);
  await assertRejects(
    () => joined(pieces),
    Error,
    "its window is larger than the 8 MiB that a decoder has to support (RFC 8878)",
  );
});

Deno.test("zstd takes any window, when the content needs no more than 8 MiB of it", async () => {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await Zstd.load();
  const content = textOf(200_000);
  zstd.reset();
  zstd.setCompressionLevel(22);
  const compressed = Buffer.concat([zstd.compressChunk(content), zstd.compressEnd()]);
  assertEquals(compressed[5], 17 << 3, "the window is 2 to the power of 10 + 17");
  const inflated = await joined(codecOf(4)!.inflate(new Uint8Array(compressed)));
  assert(Buffer.compare(inflated, content) === 0);
});

Deno.test("zstd reads several frames, and skips what is to be skipped", async () => {
  const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
  const frame = await compressZstd(textOf(70_000));
  const inflated = await joined(
    codecOf(4)!.inflate(Uint8Array.of(...skippable, ...frame, ...skippable, ...frame)),
  );
  assert(Buffer.compare(inflated, Buffer.concat([textOf(70_000), textOf(70_000)])) === 0);
});

Deno.test("zstd gives its memory back, whether it is given up, damaged or cut off", async () => {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await Zstd.load();
  const compressed = zstd.compress(new Uint8Array(10 * MEBIBYTE), 19) as Bytes;
  const damaged = compressed.slice().fill(0xff, compressed.length - 30);
  // WebAssembly has 2 GiB, and each takes 8 MiB.
  for (let count = 0; count < 300; count++) {
    const pieces = codecOf(4)!.inflate(compressed);
    assert(await pieces.next() !== null);
    pieces.close();
    assertEquals(await pieces.next(), null);
    await assertRejects(() => joined(codecOf(4)!.inflate(damaged)), Error, "it is damaged");
    const cutOff = compressed.subarray(0, 30);
    await assertRejects(() => joined(codecOf(4)!.inflate(cutOff)), Error, "it is cut off");
  }
});

for (const part of ["checksum", "length"]) {
  Deno.test(`gzip says that it is damaged in pieces, when the ${part} of a member is wrong`, async () => {
    const member = await COMPRESS.gzip!(textOf(1000));
    const damaged = member.slice();
    damaged[member.length - (part === "checksum" ? 8 : 4)]! ^= 1;
    for (const bytes of [damaged, Uint8Array.of(...damaged, ...member)]) {
      await assertRejects(() => joined(codecOf(1)!.inflate(bytes)), Error, "it is damaged");
    }
  });
}

Deno.test("gzip says that it is cut off in pieces, wherever that is", async () => {
  const compressed = await COMPRESS.gzip!(textOf(1000));
  for (let length = 1; length < compressed.length; length++) {
    const pieces = codecOf(1)!.inflate(compressed.subarray(0, length));
    await assertRejects(() => joined(pieces), Error, "it is cut off");
  }
});

Deno.test("codecOf() knows batches that are not compressed, and no codec that Kafka does not have", () => {
  assertEquals(codecOf(0x10), null);
  for (const codec of [5, 6, 7]) {
    try {
      codecOf(codec);
      assert(false);
    } catch (error) {
      assertEquals((error as Error).message, `its codec ${codec} is unknown`);
    }
  }
});

function contents(): Bytes[] {
  const random = seededRandom(7);
  const noise = Uint8Array.from({ length: 300_000 }, () => Math.floor(random() * 256));
  const mixed = textOf(3 * MEBIBYTE);
  for (let at = 0; at < mixed.length; at += 40_000) mixed.set(noise.subarray(0, 1 + at % 9000), at);
  return [
    Uint8Array.of(1),
    textOf(100),
    textOf(70_000),
    noise,
    mixed,
    new Uint8Array(MEBIBYTE),
  ];
}

/** Words in an order that nobody knows before. */
function textOf(length: number): Bytes {
  const random = seededRandom(3);
  const words = ["order", "customer", '{"id":', "},", "0123", "amount", " ", "\n", "ÄÖ", "x"];
  let text = "";
  while (text.length < length) {
    text += words[Math.floor(random() ** 2 * words.length)]! + Math.floor(random() * 50);
  }
  return new TextEncoder().encode(text).slice(0, length);
}

async function joined(pieces: Pieces): Promise<Buffer> {
  const all: Bytes[] = [];
  for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
    all.push(piece.slice());
  }
  return Buffer.concat(all);
}

function littleEndian(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => value >>> 8 * index & 0xff);
}

function lengthInSevens(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...lengthInSevens(value >>> 7)];
}
