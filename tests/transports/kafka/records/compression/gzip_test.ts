import { assertEquals, assertRejects } from "@std/assert";
import { compressGzip } from "../../../../../src/transports/kafka/records/compression/gzip.ts";
import { bytes } from "../../../../support/events.ts";
import { decompressOf, TEXT } from "./compressed.ts";

const decompressGzip = decompressOf(1);

Deno.test("gzip reads what it wrote, and several members", async () => {
  const compressed = await compressGzip(bytes(TEXT));
  const members = Uint8Array.of(...compressed, ...compressed);
  assertEquals(text(await decompressGzip(compressed, TEXT.length)), TEXT);
  assertEquals(text(await decompressGzip(members, 2 * TEXT.length)), TEXT + TEXT);
});

Deno.test("gzip refuses what takes more than the limit", async () => {
  const compressed = await compressGzip(new Uint8Array(2 ** 20 + 1));
  await assertRejects(
    () => decompressGzip(compressed, 2 ** 20),
    Error,
    "it takes more than 1 MiB uncompressed",
  );
});

Deno.test("gzip refuses damaged bytes", async () => {
  const compressed = await compressGzip(bytes(TEXT));
  await assertRejects(() => decompressGzip(compressed.fill(0, 20, 30), 2 ** 20), Error);
  await assertRejects(() => decompressGzip(compressed.subarray(0, 20), 2 ** 20), Error);
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
