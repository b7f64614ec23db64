import type { Bytes } from "../../core/event.ts";
import { latin1 } from "../http1/http_response.ts";

/** Limit of a header made from an event, with its name. Common servers accept no more. */
export const MAX_HEADER_BYTES = 8 * 1024;

/** All but visible ASCII and inner spaces. */
const UNSAFE_IN_HEADERS = /[^\x20-\x7e]|^ | $/g;

/** Replaces matches, of one character each, by `%XX` (RFC 3986, 2.1). The text has one character for each byte. */
export function percentEncode(text: string, matches: RegExp): string {
  return text.replace(
    matches,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/**
 * A value of an event as part of a header's value. Everything but visible ASCII and inner spaces is percent-encoded: it
 * can neither end the header nor pass for another character.
 */
export function headerValue(value: Bytes): string {
  const text = latin1(value);
  // No larger value is sent, and encoding one of megabytes takes hundreds of megabytes.
  return text.length > MAX_HEADER_BYTES ? text : percentEncode(text, UNSAFE_IN_HEADERS);
}
