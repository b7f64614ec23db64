import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Bytes } from "../../../../core/event.ts";
import { tooLarge } from "./inflated_bytes.ts";

/** Larger than the default, which halves the time. */
const CHUNK_SIZE = 64 * 1024;

const gzip = promisify(zlib.gzip);
const unzip = promisify<Bytes, zlib.ZlibOptions, Uint8Array>(zlib.unzip);

/** Compresses to one member. */
export async function compressGzip(bytes: Bytes): Promise<Bytes> {
  return await gzip(bytes) as Bytes;
}

/** @throws {Error} when the input is damaged, or has more than `maxLength` bytes uncompressed */
export async function decompressGzip(bytes: Bytes, maxLength: number): Promise<Bytes> {
  try {
    const options = { maxOutputLength: maxLength, chunkSize: CHUNK_SIZE };
    return await unzip(bytes, options) as Bytes;
  } catch (error) {
    const isTooLarge = error instanceof Error && "code" in error &&
      error.code === "ERR_BUFFER_TOO_LARGE";
    throw isTooLarge ? tooLarge(maxLength) : error;
  }
}
