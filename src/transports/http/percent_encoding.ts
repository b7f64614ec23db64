import type { Bytes } from "../../core/event.ts";

/**
 * Bytes as text, in which those that may not stand as they are become `%XX` (RFC 3986, 2.1).
 *
 * @param stays whether a byte, at its place, is a character that may
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
