import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import zlib from "node:zlib";
import type { Bytes } from "../../../src/core/event.ts";
import {
  decodeBody,
  EncodingError,
  maxEncodedLength,
} from "../../../src/transports/http/content_encoding.ts";
import { bytes } from "../../support/events.ts";

const TEXT = bytes("hello ".repeat(100));
const MAX_LENGTH = 1000;

const ENCODINGS: readonly { readonly name: string; readonly encoded: Uint8Array }[] = [
  { name: "gzip", encoded: zlib.gzipSync(TEXT) },
  { name: "X-GZip", encoded: zlib.gzipSync(TEXT) },
  { name: "deflate", encoded: zlib.deflateSync(TEXT) },
  { name: "identity", encoded: TEXT },
  { name: "", encoded: TEXT },
];

for (const { name, encoded } of ENCODINGS) {
  Deno.test(`decodeBody() decodes '${name}'`, async () => {
    assertEquals(plain(await decodeBody(encoded as Bytes, name, MAX_LENGTH)), TEXT);
  });
}

for (const name of ["br", "own", "gzip, gzip", ","]) {
  Deno.test(`decodeBody() throws when an encoding is unknown: '${name}'`, async () => {
    const encoded = zlib.gzipSync(TEXT) as Bytes;
    const error = await assertRejects(() => decodeBody(encoded, name, MAX_LENGTH), EncodingError);
    assertStringIncludes(error.message, "other than gzip and deflate");
  });
}

Deno.test("decodeBody() takes exactly as much as it may", async () => {
  const encoded = zlib.gzipSync(new Uint8Array(MAX_LENGTH)) as Bytes;
  assertEquals((await decodeBody(encoded, "gzip", MAX_LENGTH))?.length, MAX_LENGTH);
  assertEquals(await decodeBody(encoded, "gzip", MAX_LENGTH - 1), null);
});

for (const [name, encode] of [["gzip", zlib.gzipSync], ["deflate", zlib.deflateSync]] as const) {
  Deno.test(`decodeBody() throws when the body is damaged: ${name}`, async () => {
    const encoded = encode(TEXT) as Bytes;
    for (const damaged of [TEXT, encoded.slice(0, -3), encoded.slice(3)]) {
      await assertRejects(() => decodeBody(damaged, name, MAX_LENGTH), EncodingError, "as it says");
    }
  });
}

Deno.test("decodeBody() leaves an empty body empty", async () => {
  assertEquals(await decodeBody(new Uint8Array(), "gzip", MAX_LENGTH), new Uint8Array());
});

Deno.test("maxEncodedLength() suffices for what cannot be compressed", () => {
  for (const length of [0, 1, 1000, 100_000, 1_000_000]) {
    const noise = new Uint8Array(length);
    for (let start = 0; start < length; start += 65_536) {
      crypto.getRandomValues(noise.subarray(start, start + 65_536));
    }
    for (const encode of [zlib.gzipSync, zlib.deflateSync]) {
      const encoded = encode(noise);
      assertEquals(encoded.length <= maxEncodedLength(length), true, `${encoded.length} bytes`);
    }
  }
});

function plain(decoded: Bytes | null): Bytes | null {
  return decoded && new Uint8Array(decoded);
}
