import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Bytes } from "../../core/event.ts";

const gunzip = promisify<Bytes, zlib.ZlibOptions, Uint8Array>(zlib.gunzip);
const inflate = promisify<Bytes, zlib.ZlibOptions, Uint8Array>(zlib.inflate);

// The runtime's decoder of `br` takes whatever it cannot read for an empty body.
const DECODERS = new Map([["gzip", gunzip], ["x-gzip", gunzip], ["deflate", inflate]]);

/** A body cannot be decoded. The message holds nothing of it. */
export class EncodingError extends Error {
  override readonly name = "EncodingError";
}

/** How long the encoded form may be of what may be decoded: what cannot be compressed grows a little. */
export function maxEncodedLength(maxLength: number): number {
  return maxLength + Math.ceil(maxLength / 1000) + 1000;
}

/**
 * Decodes a body by the encoding that was applied to it (RFC 9110, 8.4). Resolves with null as soon as it is known that
 * the result is longer than `maxLength`.
 *
 * @param contentEncoding the value of the header
 * @throws {EncodingError} when the body is damaged, or the encoding is unknown, or there are several
 */
export async function decodeBody(
  body: Bytes,
  contentEncoding: string,
  maxLength: number,
): Promise<Bytes | null> {
  const encoding = contentEncoding.toLowerCase();
  // A response without a body says how it would be encoded.
  if (body.length === 0 || encoding === "" || encoding === "identity") return body;
  const decode = DECODERS.get(encoding);
  if (decode === undefined) {
    throw new EncodingError(
      "response in an encoding other than gzip and deflate: let the endpoint heed Accept-Encoding",
    );
  }
  try {
    return await decode(body, { maxOutputLength: maxLength }) as Bytes;
  } catch (error) {
    if (isTooLong(error)) return null;
    throw new EncodingError("response not encoded as it says", { cause: error });
  }
}

function isTooLong(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}
