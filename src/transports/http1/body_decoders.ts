import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Bytes } from "../../core/event.ts";
import { TooLongError } from "./http_response.ts";

/**
 * Removes one coding from a body.
 *
 * @throws {TooLongError}
 * @throws {Error} when the body is damaged or cut off
 */
export type BodyDecoder = (body: Bytes, maxLength: number) => Promise<Bytes>;

/** Decoders by the name of their coding (RFC 9110, 8.4.1; RFC 7932; RFC 8878). */
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
/** The result with the option `info`; `bytesWritten` is how many bytes were read. */
interface Decompressed {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

const inflateRaw = promisify(zlib.inflateRaw) as unknown as Decompress<Decompressed>;
const brotliDecompress = promisify(zlib.brotliDecompress) as unknown as Decompress<Decompressed>;

/** A frame with one byte of content (RFC 8878, 3.1.1). */
const ONE_BYTE_FRAME = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 9, 0, 0, 0];

/** Reads all members, not only the first (RFC 1952, 2.2). */
function ungzip(body: Bytes, maxLength: number): Promise<Bytes> {
  return bytesOf(gunzip(body, { maxOutputLength: maxLength }));
}

/**
 * Also reads raw deflate data, which some servers send without the zlib wrapper (RFC 9110, 8.4.1.2). That has no mark
 * and no checksum, and many texts begin like it, so nothing may follow it.
 */
async function undeflate(body: Bytes, maxLength: number): Promise<Bytes> {
  const options = { maxOutputLength: maxLength };
  try {
    return await bytesOf(inflate(body, options));
  } catch (error) {
    if (error instanceof TooLongError) throw error;
    const { buffer, engine } = await bounded(inflateRaw(body, { ...options, info: true }));
    if (engine.bytesWritten !== body.length) throw new Error("There is no end");
    return plain(buffer);
  }
}

/**
 * The decoder of Deno 2.6.8 returns a part without an error when a body is damaged or cut off. So we append a byte: a
 * decoder that finds the end of the body leaves exactly this byte unread.
 */
async function unbrotli(body: Bytes, maxLength: number): Promise<Bytes> {
  const options = { maxOutputLength: maxLength, info: true };
  const { buffer, engine } = await bounded(brotliDecompress(followed(body, [0]), options));
  const isWhole = engine.bytesWritten === body.length &&
    (buffer.length > 0 || isBrotliOfNothing(body));
  if (!isWhole) throw new Error("The body is damaged or cut off");
  return plain(buffer);
}

/**
 * Damage at the last byte looks like an empty body. A real empty body has a few bytes and ends with a last, empty
 * block, the bits 11 (RFC 7932, 9.2), and zeros. In a single byte, the window size (9.1) stands before them.
 */
function isBrotliOfNothing(body: Bytes): boolean {
  const last = body.at(-1) ?? 0;
  if (body.length > 1) return body.length < 5 && (last === 1 || last === 3);
  return last === 6 || last > 0x31 && (last & 0xf1) === 0x31;
}

/**
 * The library returns nothing if a frame is damaged, too long or empty. Only an empty one can be decoded together with
 * a frame of one byte behind it.
 */
async function unzstd(body: Bytes, maxLength: number): Promise<Bytes> {
  const { ZSTDDecoder } = await import("zstddec");
  const decoder = new ZSTDDecoder();
  await decoder.init();
  // With a limit of 0, it would allocate as much as a frame demands.
  const decoded = decoder.decode(body, Math.max(maxLength, 1)) as Bytes;
  if (decoded.length > 0) return decoded;
  const isEmpty = decoder.decode(followed(body, ONE_BYTE_FRAME), 1).length === 1;
  if (!isEmpty) throw new Error("The body is damaged, cut off, or too long");
  return decoded;
}

async function bytesOf(decompressing: Promise<Uint8Array>): Promise<Bytes> {
  return plain(await bounded(decompressing));
}

/** Callers do not expect a `Buffer`, whose methods differ. */
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
