import type { Bytes } from "../../event.ts";

const FIRST_BUFFER_BYTES = 4096;

/**
 * Reads the body of a response as it is after decoding. Resolves with null as soon as it is known to be larger than
 * `maxBytes`; the rest is not read then, and the connection is closed.
 */
export async function readBody(response: Response, maxBytes: number): Promise<Bytes | null> {
  const { body } = response;
  if (body === null) return new Uint8Array();
  const length = announcedLength(response.headers);
  if (length !== null && length > maxBytes) {
    await body.cancel();
    return null;
  }
  if (length !== null) return await response.bytes();
  return await readUpTo(body, maxBytes);
}

/** How long the body is going to be, where this is certain. */
function announcedLength(headers: Headers): number | null {
  const value = headers.get("content-length");
  // The runtime takes the length away when it decodes the body, but not when chunks make it void (RFC 9112, 6.3).
  if (value === null || headers.has("transfer-encoding")) return null;
  return /^\d+$/.test(value) ? Number(value) : null;
}

/** A reader without a buffer of its own would get one of 64 KiB for each response. */
async function readUpTo(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Bytes | null> {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new Uint8Array(Math.min(FIRST_BUFFER_BYTES, maxBytes + 1));
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read(buffer.subarray(length));
    // The reader gives back the same bytes in another object, at the end as well.
    if (value !== undefined) buffer = new Uint8Array(value.buffer);
    if (done) return buffer.slice(0, length);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      return null;
    }
    if (length === buffer.length) buffer = grown(buffer, maxBytes + 1);
  }
}

function grown(buffer: Bytes, maxBytes: number): Bytes {
  const larger = new Uint8Array(Math.min(2 * buffer.length, maxBytes));
  larger.set(buffer);
  return larger;
}
