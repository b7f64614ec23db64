import { assertEquals, assertRejects } from "@std/assert";
import { decompressOf, survivesDamage, TEXT } from "./compressed.ts";

const decompressLz4 = decompressOf(3);

/** `TEXT` as the program `lz4` writes it. */
const FRAMES = {
  "with its length and dependent blocks":
    "BCJNGGxA1gYAAAAAAADh8wAAAPEMbGluZSAwIG9mIGEgdGV4dCB0aGF0IHNheXMgGwBRYWZ0ZXILABEKEAAfMSsAFx8yKwAXHzMrABcfNCsAFx81KwAXHzYrABcfNysAFx84KwAXHzkrABcfMa8BGQ+wARgfMbEBGB8xsgEYHzGzARgfMbQBGB8xtQEYHzG2ARgfMbcBGB8xuAEYHzK4ARgfMrgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzK4ARgfM7gBGB8zuAEYHzO4ARgfM7gBGB8zuAEYHzO4ARgfM7gBGB8zuAEYHzO4ARgfM7gBDlBsaW5lCgAAAABF4sCf",
  "with checksums of its blocks":
    "BCJNGHRAvfMAAADxDGxpbmUgMCBvZiBhIHRleHQgdGhhdCBzYXlzIBsAUWFmdGVyCwARChAAHzErABcfMisAFx8zKwAXHzQrABcfNSsAFx82KwAXHzcrABcfOCsAFx85KwAXHzGvARkPsAEYHzGxARgfMbIBGB8xswEYHzG0ARgfMbUBGB8xtgEYHzG3ARgfMbgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzO4ARgfM7gBGB8zuAEYHzO4ARgfM7gBGB8zuAEYHzO4ARgfM7gBGB8zuAEYHzO4AQ5QbGluZQoHLFnDAAAAAEXiwJ8=",
  "without any checksum":
    "BCJNGGBAgvMAAADxDGxpbmUgMCBvZiBhIHRleHQgdGhhdCBzYXlzIBsAUWFmdGVyCwARChAAHzErABcfMisAFx8zKwAXHzQrABcfNSsAFx82KwAXHzcrABcfOCsAFx85KwAXHzGvARkPsAEYHzGxARgfMbIBGB8xswEYHzG0ARgfMbUBGB8xtgEYHzG3ARgfMbgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzK4ARgfMrgBGB8yuAEYHzO4ARgfM7gBGB8zuAEYHzO4ARgfM7gBGB8zuAEYHzO4ARgfM7gBGB8zuAEYHzO4AQ5QbGluZQoAAAAA",
};
/** `ab`, which is stored as it is. */
const STORED = "BCJNGGRApwIAAIBhYgAAAABT/JlJ";

for (const [name, frame] of Object.entries(FRAMES)) {
  Deno.test(`lz4 reads a frame ${name}`, async () => {
    const bytes = Uint8Array.fromBase64(frame);
    assertEquals(text(await decompressLz4(bytes, TEXT.length)), TEXT);
  });
}

Deno.test("lz4 reads several frames, stored blocks, and skips what is to be skipped", async () => {
  const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
  const stored = Uint8Array.fromBase64(STORED);
  const frames = Uint8Array.of(...stored, ...skippable, ...stored);
  assertEquals(text(await decompressLz4(frames, 100)), "abab");
});

Deno.test("lz4 refuses what takes more than the limit, as soon as it does", async () => {
  const bytes = Uint8Array.fromBase64(FRAMES["without any checksum"]);
  const refused = "it takes more than";
  await assertRejects(() => decompressLz4(bytes, TEXT.length - 1), Error, refused);
  await assertRejects(() => decompressLz4(bomb(2 ** 31), 2 ** 20), Error, `${refused} 1 MiB`);
});

Deno.test("lz4 does not fall for damaged bytes", async () => {
  for (const frame of Object.values(FRAMES)) {
    await survivesDamage(Uint8Array.fromBase64(frame), decompressLz4);
  }
});

/** A frame of one block that repeats one byte so many times. */
function bomb(length: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(4 + Math.ceil(length / 255)).fill(0xff);
  block.set([0x1f, 0x61, 1, 0]);
  block[block.length - 1] = 0;
  const frame = new Uint8Array(7 + 4 + block.length + 4);
  frame.set([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
  new DataView(frame.buffer).setUint32(7, block.length, true);
  frame.set(block, 11);
  return frame;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
