import type { Bytes } from "../../core/event.ts";
import { BODY_DECODERS, type BodyDecoder, TooLongError } from "./body_decoders.ts";
import { type HttpResponse, largerThan, type UsableResponse } from "./client/http_client.ts";

/** The limit of curl, too. */
const MAX_CODINGS = 5;

/** What servers write when a body is not encoded. Some write a character set or a media type instead. */
const NO_CODINGS: ReadonlySet<string> = new Set([
  "",
  "identity",
  "none",
  "null",
  "raw",
  "plain",
  "text",
  "binary",
  "7bit",
  "8bit",
  "chunked",
  "aws-chunked",
]);

/** How long the encoded form may be of what may be decoded: what cannot be compressed grows a little. */
export function maxEncodedLength(maxLength: number): number {
  return maxLength + Math.ceil(maxLength / 1000) + 1000;
}

/**
 * Decodes the body of a response by the codings in its `content-encoding` (RFC 9110, 8.4). The result is an unusable
 * response when the body is damaged, longer than `maxLength`, or in an unknown coding.
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

function isNoCoding(coding: string): boolean {
  return NO_CODINGS.has(coding) || coding.includes("/") || isCharacterSet(coding);
}

function isCharacterSet(name: string): boolean {
  try {
    new TextDecoder(name);
    return true;
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
  const decoders = codings.map((coding) => BODY_DECODERS.get(coding));
  if (codings.length > MAX_CODINGS) return unusable("response in more than five codings");
  if (!decoders.every((decoder) => decoder !== undefined)) {
    return unusable(
      "response in a coding other than gzip, deflate, br and zstd: let the endpoint heed " +
        "Accept-Encoding",
    );
  }
  try {
    const body = await withoutCodings(response.body, decoders, maxLength);
    return body.length > maxLength ? unusable(largerThan(maxLength)) : { ...response, body };
  } catch (error) {
    if (error instanceof TooLongError) return unusable(largerThan(maxLength));
    // The decoder of zstd does not tell one from the other.
    const mayBeTooLong = codings.includes("zstd") ? ", or larger than maxResponseBytes" : "";
    return unusable(`response not encoded as it says (${codings.join(", ")})${mayBeTooLong}`);
  }
}

/** Removes the coding first that was applied last. All results but the final one are still encoded. */
async function withoutCodings(
  body: Bytes,
  decoders: readonly BodyDecoder[],
  maxLength: number,
): Promise<Bytes> {
  let rest = body;
  for (const decode of decoders.slice(1).reverse()) {
    rest = await decode(rest, maxEncodedLength(maxLength));
  }
  const [first] = decoders;
  return first === undefined ? rest : await first(rest, maxLength);
}
