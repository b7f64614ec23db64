import type { Bytes } from "./event.ts";

/**
 * Encodes a text that has one character per byte, as HTTP header values have. For short texts, several times as fast as
 * an encoder.
 */
export function octets(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
