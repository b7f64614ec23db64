import type { Bytes } from "../../../src/core/event.ts";

const TEXT_ENCODER = new TextEncoder();

/**
 * Puts another port into what a broker says of its own address, in place: there, an address is a string with its length
 * in two bytes, and a port in four.
 *
 * @param from the host and port that are looked for
 */
export function readdress(
  bytes: Bytes,
  { from, toPort }: { from: Deno.ConnectOptions; toPort: number },
): Bytes {
  const host = TEXT_ENCODER.encode(from.hostname);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 2 + host.length + 4 <= bytes.length; at++) {
    const portAt = at + 2 + host.length;
    const isAddress = view.getInt16(at) === host.length &&
      host.every((byte, index) => bytes[at + 2 + index] === byte) &&
      view.getInt32(portAt) === from.port;
    if (isAddress) view.setInt32(portAt, toPort);
  }
  return bytes;
}
