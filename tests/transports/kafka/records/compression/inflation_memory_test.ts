import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Bytes } from "../../../../../src/core/event.ts";
import {
  type Codec,
  codecOf,
} from "../../../../../src/transports/kafka/records/compression/codecs.ts";
import { InflationMemory } from "../../../../../src/transports/kafka/records/compression/inflation_memory.ts";
import type { Pieces } from "../../../../../src/transports/kafka/records/compression/pieces.ts";
import { compressSnappy } from "../../../../../src/transports/kafka/records/compression/snappy.ts";

const MEBIBYTE = 1024 * 1024;
const SNAPPY = codecOf(2)!;

/** Counts how often it begins. */
function counted(codec: Codec): { codec: Codec; readonly begun: number } {
  let begun = 0;
  const inflate = (bytes: Bytes) => {
    begun++;
    return codec.inflate(bytes);
  };
  return {
    codec: { ...codec, inflate },
    get begun() {
      return begun;
    },
  };
}

function content(seed: number): Bytes {
  return Uint8Array.from({ length: 3 * MEBIBYTE }, (_, index) => (index >> 8) * seed);
}

Deno.test("InflationMemory gives the same in pieces, when what one batch needs is dropped for another", async () => {
  const memory = new InflationMemory({ maxBytes: MEBIBYTE });
  const counting = counted(SNAPPY);
  const contents = [1, 3, 7].map(content);
  const pieces = contents.map((each) => memory.inPieces(counting.codec, compressSnappy(each)));
  const read: Bytes[][] = contents.map(() => []);
  for (let areLeft = true; areLeft;) {
    areLeft = false;
    for (const [index, each] of pieces.entries()) {
      const piece = await each.next();
      if (piece === null) continue;
      areLeft = true;
      read[index]!.push(piece.slice());
    }
    const held = pieces.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    assert(held <= 8 * MEBIBYTE, `${held} bytes`);
  }
  for (const [index, each] of contents.entries()) {
    assert(Buffer.compare(Buffer.concat(read[index]!), each) === 0);
  }
  assert(counting.begun > contents.length, "nothing was dropped");
});

Deno.test("InflationMemory begins a batch once, while there is room", async () => {
  const memory = new InflationMemory();
  const counting = counted(SNAPPY);
  const pieces = [1, 3].map((seed) =>
    memory.inPieces(counting.codec, compressSnappy(content(seed)))
  );
  await Promise.all(pieces.map(toEnd));
  assertEquals(counting.begun, 2);
});

Deno.test("InflationMemory decompresses at once what is small, as long as there is room", async () => {
  const memory = new InflationMemory({ maxBytes: 4 * MEBIBYTE });
  const compressed = compressSnappy(new Uint8Array(1.5 * MEBIBYTE));
  const first = await memory.whole(SNAPPY, compressed);
  assertEquals(first?.bytes.length, 1.5 * MEBIBYTE);
  const second = await memory.whole(SNAPPY, compressed);
  assertEquals(second?.bytes.length, 1.5 * MEBIBYTE);
  assertEquals(await memory.whole(SNAPPY, compressed), null);
  first?.release();
  first?.release();
  assertEquals((await memory.whole(SNAPPY, compressed))?.bytes.length, 1.5 * MEBIBYTE);
});

Deno.test("InflationMemory decompresses nothing at once that is large or damaged, and takes no room for it", async () => {
  const memory = new InflationMemory({ maxBytes: 2 * MEBIBYTE });
  for (let time = 0; time < 3; time++) {
    assertEquals(await memory.whole(SNAPPY, compressSnappy(content(1))), null);
    assertEquals(await memory.whole(SNAPPY, Uint8Array.of(9, 9, 9)), null);
  }
  assert(await memory.whole(SNAPPY, compressSnappy(new Uint8Array(10))) !== null);
});

Deno.test("InflationMemory says which codec could not be undone, and gives nothing of what was closed", async () => {
  const memory = new InflationMemory();
  const damaged = memory.inPieces(SNAPPY, Uint8Array.of(9, 9, 9));
  await assertRejects(() => damaged.next(), Error, "cannot decompress snappy: ");
  const closed = memory.inPieces(SNAPPY, compressSnappy(content(1)));
  await closed.next();
  closed.close();
  assertEquals([await closed.next(), closed.heldBytes], [null, 0]);
});

async function toEnd(pieces: Pieces): Promise<void> {
  while (await pieces.next() !== null);
}
