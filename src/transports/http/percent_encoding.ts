import type { Bytes } from "../../core/event.ts";

const SPACE = 0x20;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;

/**
 * Bytes as text, with `%XX` (RFC 3986, 2.1) for each byte that must not stand as it is.
 *
 * @param stays whether the byte at an index is an allowed character
 */
export function percentEncode(
  bytes: Bytes,
  stays: (byte: number, index: number) => boolean,
): string {
  let text = "";
  for (const [index, byte] of bytes.entries()) {
    text += stays(byte, index)
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/**
 * A value of an event as part of a header's value. Everything but visible ASCII and inner spaces is percent-encoded: it
 * can neither end the header nor pass for another character.
 */
export function headerValue(value: Bytes): string {
  const last = value.length - 1;
  return percentEncode(value, (byte, index) => {
    const isInside = index > 0 && index < last;
    return byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE || byte === SPACE && isInside;
  });
}
