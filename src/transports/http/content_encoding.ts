import type { Bytes } from "../../core/event.ts";
import { BODY_DECODERS, type BodyDecoder, TooLongError } from "./body_decoders.ts";
import { type HttpResponse, largerThan, type UsableResponse } from "./client/http_client.ts";

/** As many as curl takes. */
const MAX_CODINGS = 5;

/** What servers write for "not encoded" besides names of character sets and media types. */
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
 * Decodes the body of a response by the codings that its header names (RFC 9110, 8.4). A response cannot be used whose
 * body is damaged or longer than `maxLength`, or has a coding that is not known.
 */
export function decodedResponse(
  response: HttpResponse,
  maxLength: number,
): HttpResponse | Promise<HttpResponse> {
  const contentEncoding = response.headers.get("content-encoding");
  // One without a body says how it would be encoded.
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
    // Its decoder does not tell.
    const mayBeTooLong = codings.includes("zstd") ? ", or larger than maxResponseBytes" : "";
    return unusable(`response not encoded as it says (${codings.join(", ")})${mayBeTooLong}`);
  }
}

/** The coding that was applied last comes off first. What comes between is itself encoded. */
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
