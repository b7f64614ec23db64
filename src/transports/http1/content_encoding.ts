import type { Bytes } from "../../core/event.ts";
import { BODY_DECODERS, TooLongError } from "./body_decoders.ts";
import { type HttpResponse, largerThan, type UsableResponse } from "./http_response.ts";

/** The limit of curl, too. */
const MAX_CODINGS = 5;

/** What servers write when a body is not encoded. Some write a character set or a media type instead. */
const NO_CODINGS: ReadonlySet<string> = new Set([
  "",
  "identity",
  "none",
  "null",
  "undefined",
  "raw",
  "plain",
  "text",
  "binary",
  "7bit",
  "8bit",
  "base64",
  "quoted-printable",
  "uncompressed",
  "chunked",
  "aws-chunked",
]);

/** What is in the names of codings, of those that are registered and of others that are in use. */
const OF_CODING =
  /zip|compress|deflate|zlib|brotli|zstd|lzma|lz4|\bxz\b|snappy|sdch|\bdc[bz]\b|\bexi\b|aes128gcm/;

/** No compression brings these forth only, and UTF-8. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0e-\x1f\x7f]/;

/** How long the encoded form may be of what may be decoded: what cannot be compressed grows a little. */
export function maxEncodedLength(maxLength: number): number {
  return maxLength + Math.ceil(maxLength / 1000) + 1000;
}

/**
 * Decodes the body of a response by the codings in its `content-encoding` (RFC 9110, 8.4). What is no coding is ignored:
 * a character set, a media type, and any word that is not known, when the body is text. So what may still be encoded is
 * never taken for a success. The result is an unusable response when the body is damaged, longer than `maxLength`, or in
 * another coding.
 */
export function decodedResponse(
  response: HttpResponse,
  maxLength: number,
): HttpResponse | Promise<HttpResponse> {
  const contentEncoding = response.headers.get("content-encoding");
  // The header of a response without a body says how the body would be encoded.
  const isEncoded = contentEncoding !== undefined && response.body !== null &&
    response.body.length > 0;
  return isEncoded ? decoded(response, codingsOf(contentEncoding), maxLength) : response;
}

function codingsOf(contentEncoding: string): readonly string[] {
  return contentEncoding.toLowerCase().split(",").map((coding) => coding.trim())
    .filter((coding) => !isNoCoding(coding));
}

function isNoCoding(word: string): boolean {
  if (NO_CODINGS.has(word)) return true;
  return !OF_CODING.test(word) && (word.includes("/") || isCharacterSet(word));
}

function isCharacterSet(word: string): boolean {
  const [, name] = /^(?:charset *[=:] *)?"?([^"]*)"?$/.exec(word) ?? [];
  try {
    new TextDecoder(name);
    return name !== undefined;
  } catch {
    return false;
  }
}

async function decoded(
  response: UsableResponse,
  codings: readonly string[],
  maxLength: number,
): Promise<HttpResponse> {
  const unusable = (defect: string) => ({ ...response, body: null, defect });
  if (codings.length > MAX_CODINGS) return unusable("response in more than five codings");
  try {
    const body = await withoutCodings(response.body, codings, maxLength);
    return body.length > maxLength ? unusable(largerThan(maxLength)) : { ...response, body };
  } catch (error) {
    if (error instanceof UnknownCodingError) return unusable(error.message);
    if (error instanceof TooLongError) return unusable(largerThan(maxLength));
    // The decoder of zstd does not tell one from the other.
    const mayBeTooLong = codings.includes("zstd") ? ", or larger than maxResponseBytes" : "";
    return unusable(`response not encoded as it says (${codings.join(", ")})${mayBeTooLong}`);
  }
}

class UnknownCodingError extends Error {
  override readonly name = "UnknownCodingError";
  override readonly message =
    "response in a coding other than gzip, deflate, br and zstd: let the endpoint heed " +
    "Accept-Encoding";
}

/** Removes the coding first that was applied last. All results but the final one are still encoded. */
async function withoutCodings(
  body: Bytes,
  codings: readonly string[],
  maxLength: number,
): Promise<Bytes> {
  if (codings.some((word) => !BODY_DECODERS.has(word) && OF_CODING.test(word))) {
    throw new UnknownCodingError();
  }
  let rest = body;
  for (const [index, coding] of [...codings.entries()].reverse()) {
    const decode = BODY_DECODERS.get(coding);
    if (decode !== undefined) {
      rest = await decode(rest, index === 0 ? maxLength : maxEncodedLength(maxLength));
    } else if (!isText(rest)) throw new UnknownCodingError();
  }
  return rest;
}

/** Whether the bytes are UTF-8 without control characters. */
function isText(bytes: Bytes): boolean {
  try {
    return !CONTROL.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}
