import type { Bytes } from "../../../../core/event.ts";
import { tooLarge } from "./inflated_bytes.ts";

const USUAL_RATIO = 8;
const MIN_CAPACITY = 64 * 1024;

/** Compresses to one frame. */
export async function compressZstd(bytes: Bytes): Promise<Bytes> {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await Zstd.load();
  return zstd.compress(bytes) as Bytes;
}

/**
 * Decompresses frames. The library needs the size of the output, which most frames do not state. It returns nothing
 * when that is too small or a frame is damaged.
 *
 * @throws {Error} when the frames are damaged, or have more than `maxLength` bytes uncompressed
 */
export async function decompressZstd(bytes: Bytes, maxLength: number): Promise<Bytes> {
  const { ZSTDDecoder } = await import("zstddec");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const expected = Math.max(USUAL_RATIO * bytes.length, MIN_CAPACITY);
  for (
    let capacity = Math.min(expected, maxLength);;
    capacity = Math.min(2 * capacity, maxLength)
  ) {
    const inflated = decoder.decode(bytes, capacity);
    if (inflated.length > 0) return inflated as Bytes;
    if (capacity === maxLength) {
      throw new Error(`${tooLarge(maxLength).message}, or is damaged`);
    }
  }
}
