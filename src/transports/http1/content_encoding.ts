import type { Bytes } from "../../core/event.ts";
import { BODY_DECODERS } from "./body_decoders.ts";
import {
  type HttpResponse,
  largerThan,
  TooLongError,
  type UsableResponse,
} from "./http_response.ts";

/** The same limit as curl's. */
const MAX_CODINGS = 5;

/** No name of a character set is longer. */
const MAX_CHARACTER_SET_LENGTH = 100;

/** What servers send for a body without a coding. Some send a character set or a media type instead. */
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

/** Parts of the names of codings, registered or otherwise in use. */
const OF_CODING =
  /zip|compress|deflate|zlib|brotli|zstd|lzma|lz4|\bxz\b|snappy|sdch|\bdc[bz]\b|\bexi\b|aes128gcm/;

/** No compressed body is UTF-8 without these characters. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0e-\x1f\x7f]/;

const UNKNOWN_CODING =
  "response in a coding other than gzip, deflate, br and zstd: the endpoint must honour " +
  "Accept-Encoding";

/** Limit of the encoded form of `maxLength` bytes: data that cannot be compressed grows a little. */
export function maxEncodedLength(maxLength: number): number {
  return maxLength + Math.ceil(maxLength / 1000) + 1000;
}

/**
 * Decodes a body by its `content-encoding` (RFC 9110, 8.4). Words that name no coding are ignored: a character set, a
 * media type and, if the body is text, any unknown word. So a body that may still be encoded never counts as a success.
 * The response becomes unusable if its body is damaged, longer than `maxLength`, or in another coding.
 */
export function decodedResponse(
  response: HttpResponse,
  maxLength: number,
): HttpResponse | Promise<HttpResponse> {
  const contentEncoding = response.headers.get("content-encoding");
  // Without a body, the header says how the body would be encoded.
  const isEncoded = contentEncoding !== undefined && response.body !== null &&
    response.body.length > 0;
  return isEncoded ? decoded(response, codingsOf(contentEncoding), maxLength) : response;
}

/** Does not look closer at more than `MAX_CODINGS` words: an endpoint may send thousands. */
function codingsOf(contentEncoding: string): readonly string[] {
  const words = contentEncoding.toLowerCase().split(",").map((word) => word.trim())
    .filter((word) => !NO_CODINGS.has(word));
  return words.length > MAX_CODINGS ? words : words.filter((word) => !isNoCoding(word));
}

function isNoCoding(word: string): boolean {
  return !OF_CODING.test(word) && (word.includes("/") || isCharacterSet(word));
}

function isCharacterSet(word: string): boolean {
  if (word.length > MAX_CHARACTER_SET_LENGTH) return false;
  const name = word.replace(/^charset *[=:]/, "").trim().replace(/^"|"$/g, "");
  try {
    new TextDecoder(name);
    return true;
  } catch {
    return false;
  }
}

/** Removes codings in reverse order of their application. Only the final result is not encoded. */
async function decoded(
  response: UsableResponse,
  codings: readonly string[],
  maxLength: number,
): Promise<HttpResponse> {
  const unusable = (defect: string) => ({ ...response, body: null, defect });
  if (codings.length > MAX_CODINGS) return unusable("response with more than five content codings");
  if (codings.some((word) => !BODY_DECODERS.has(word) && OF_CODING.test(word))) {
    return unusable(UNKNOWN_CODING);
  }
  let { body } = response;
  try {
    for (const [index, coding] of [...codings.entries()].reverse()) {
      const decode = BODY_DECODERS.get(coding);
      if (decode !== undefined) {
        body = await decode(body, index === 0 ? maxLength : maxEncodedLength(maxLength));
      } else if (!isText(body)) return unusable(UNKNOWN_CODING);
    }
  } catch (error) {
    if (error instanceof TooLongError) return unusable(largerThan(maxLength));
    // The decoder of zstd does not distinguish the two.
    const mayBeTooLong = codings.includes("zstd") ? ", or larger than maxResponseBytes" : "";
    return unusable(
      `response not encoded as its Content-Encoding says (${codings.join(", ")})${mayBeTooLong}`,
    );
  }
  return body.length > maxLength ? unusable(largerThan(maxLength)) : { ...response, body };
}

/** Whether the bytes are UTF-8 without control characters. */
function isText(bytes: Bytes): boolean {
  try {
    return !CONTROL.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}
