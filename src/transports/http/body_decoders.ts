import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Bytes } from "../../core/event.ts";

/**
 * Takes a coding off a body.
 *
 * @throws {TooLongError}
 * @throws {Error} when the body is damaged or cut off
 */
export type BodyDecoder = (body: Bytes, maxLength: number) => Promise<Bytes>;

/** What a body would become is longer than it may be. */
export class TooLongError extends Error {
  override readonly name = "TooLongError";
}

/** By the codings' names (RFC 9110, 8.4.1; RFC 7932; RFC 8878). */
export const BODY_DECODERS: ReadonlyMap<string, BodyDecoder> = new Map([
  ["gzip", ungzip],
  ["x-gzip", ungzip],
  ["deflate", undeflate],
  ["br", unbrotli],
  ["zstd", unzstd],
]);

type Decompress<Output> = (body: Bytes, options: zlib.ZlibOptions) => Promise<Output>;

const gunzip: Decompress<Uint8Array> = promisify(zlib.gunzip);
const inflate: Decompress<Uint8Array> = promisify(zlib.inflate);
const inflateRaw: Decompress<Uint8Array> = promisify(zlib.inflateRaw);
/** With `info`, it tells by `bytesWritten` how much it has read. */
const brotliDecompress = promisify(zlib.brotliDecompress) as unknown as Decompress<
  { buffer: Uint8Array; engine: { bytesWritten: number } }
>;

/** A frame that holds one byte. */
const ONE_BYTE_FRAME = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 9, 0, 0, 0];

/** It may have several members, one after the other. */
function ungzip(body: Bytes, maxLength: number): Promise<Bytes> {
  return bytesOf(gunzip(body, { maxOutputLength: maxLength }));
}

/** Some senders leave out the wrapper (RFC 9110, 8.4.1.2). */
async function undeflate(body: Bytes, maxLength: number): Promise<Bytes> {
  const options = { maxOutputLength: maxLength };
  try {
    return await bytesOf(inflate(body, options));
  } catch (error) {
    if (error instanceof TooLongError) throw error;
    return await bytesOf(inflateRaw(body, options));
  }
}

/**
 * Where a body is damaged or cut off, the runtime's decoder ends without a word (Deno 2.6.8). Whether it has come to the
 * end shows when a further byte follows, which it must not have read.
 */
async function unbrotli(body: Bytes, maxLength: number): Promise<Bytes> {
  const options = { maxOutputLength: maxLength, info: true };
  const { buffer, engine } = await bounded(brotliDecompress(followed(body, [0]), options));
  if (engine.bytesWritten !== body.length) throw new Error("The body is damaged or cut off");
  return plain(buffer);
}

/**
 * The library gives nothing when there is not enough room, or a frame is damaged. Whether nothing is right shows when a
 * frame of one byte follows.
 */
async function unzstd(body: Bytes, maxLength: number): Promise<Bytes> {
  const { ZSTDDecoder } = await import("zstddec");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  // Without room it would take as much as a frame demands.
  const decoded = decoder.decode(body, Math.max(maxLength, 1)) as Bytes;
  if (decoded.length > 0) return decoded;
  const isEmpty = decoder.decode(followed(body, ONE_BYTE_FRAME), 1).length === 1;
  if (!isEmpty) throw new Error("The body is damaged, cut off, or too long");
  return decoded;
}

async function bytesOf(decompressing: Promise<Uint8Array>): Promise<Bytes> {
  return plain(await bounded(decompressing));
}

/** A `Buffer` behaves otherwise, as when a part of it is taken. */
function plain({ buffer, byteOffset, length }: Uint8Array): Bytes {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}

async function bounded<Output>(decompressing: Promise<Output>): Promise<Output> {
  try {
    return await decompressing;
  } catch (error) {
    const isTooLong = error instanceof Error && "code" in error &&
      error.code === "ERR_BUFFER_TOO_LARGE";
    throw isTooLong ? new TooLongError("The body is too long", { cause: error }) : error;
  }
}

function followed(body: Bytes, end: readonly number[]): Bytes {
  const bytes = new Uint8Array(body.length + end.length);
  bytes.set(body);
  bytes.set(end, body.length);
  return bytes;
}
