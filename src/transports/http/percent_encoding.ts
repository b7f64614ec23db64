import type { Bytes } from "../../core/event.ts";

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
