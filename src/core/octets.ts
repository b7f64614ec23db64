import type { Bytes } from "./event.ts";

/**
 * Returns the bytes of a text that has one character for each byte, as values of HTTP headers have. For short texts this
 * is several times as fast as an encoder.
 */
export function octets(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
