import { assertEquals, assertRejects } from "@std/assert";
import { compressZstd } from "../../../../../src/transports/kafka/records/compression/zstd.ts";
import { bytes } from "../../../../support/events.ts";
import { decompressOf, TEXT } from "./compressed.ts";

const decompressZstd = decompressOf(4);

/** `TEXT` as the program `zstd` writes it. */
const FRAMES = {
  "that says its length":
    "KLUv/WTWBbUEAHJEDhSgqwMOqYrydgL8P0yShKRY7LfVCv///79t27bdtm3bwyiIQbgLNHaomJ5KvEKO59ixiBgGtCVRAiogUJOM0gMfgXkwGabQPJgMU2geTIYpNA8mwxSaB5NhCs2DyTCFzGNXk6GrKeRqHriajFtNwVbzqNVk0GoKs5qQLPOGWEiGLoiFZOiC2ABJF3CjGzPL26+BB05f9so=",
  "that does not say its length":
    "KLUv/QRYxQQAwoQPFrA1HcKRjWBHox19TB41aiIk5ZbZ5WL///+/bdu23bZtW0CCHEZxdxjYlaIhc5gKlXgVOB7BjsUiIEFD5gQpIGCTpPQfgXmYDKbQPEwGUzAPJqMpmAeTYQrMo8kwBeZhMpjC5rGbydDNFHIzD9xMxm2mYJt51GYyaDOF2UxI1rwgNiShC2IhCbogVkDSRbjRjdXCIANOX/bK",
};
/** What the format allows in a block at most. */
const BLOCK_BYTES = 128 * 1024;

for (const [name, frame] of Object.entries(FRAMES)) {
  Deno.test(`zstd reads a frame ${name}`, async () => {
    const inflated = await decompressZstd(Uint8Array.fromBase64(frame), TEXT.length);
    assertEquals(text(inflated), TEXT);
  });
}

Deno.test("zstd reads what it wrote, and several frames", async () => {
  const compressed = await compressZstd(bytes(TEXT));
  const frames = Uint8Array.of(...compressed, ...compressed);
  assertEquals(text(await decompressZstd(frames, 2 * TEXT.length)), TEXT + TEXT);
});

Deno.test("zstd reads what takes far more than it did compressed", async () => {
  const inflated = await decompressZstd(bomb(40 * BLOCK_BYTES), 2 ** 30);
  assertEquals(inflated.length, 40 * BLOCK_BYTES);
});

Deno.test("zstd refuses what takes more than the limit, or is damaged", async () => {
  const message = "it takes more than 1 MiB uncompressed";
  await assertRejects(() => decompressZstd(bomb(2 ** 30), 2 ** 20), Error, message);
  const damaged = Uint8Array.fromBase64(FRAMES["that says its length"]).fill(0, 20, 30);
  await assertRejects(() => decompressZstd(damaged, 2 ** 20), Error, "it is damaged");
});

/** A frame of blocks that each repeat one byte, four bytes for 128 KiB. */
function bomb(length: number): Uint8Array<ArrayBuffer> {
  const count = length / BLOCK_BYTES;
  const frame = new Uint8Array(6 + 4 * count);
  const view = new DataView(frame.buffer);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
  for (let block = 0; block < count; block++) {
    const isLast = block === count - 1 ? 1 : 0;
    view.setUint32(6 + 4 * block, 0x61 << 24 | BLOCK_BYTES << 3 | 1 << 1 | isLast, true);
  }
  return frame;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
