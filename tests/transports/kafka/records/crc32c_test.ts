import { assertEquals } from "@std/assert";
import { crc32c } from "../../../../src/transports/kafka/records/crc32c.ts";
import { bytes } from "../../../support/events.ts";

Deno.test("crc32c tells the checksums of its specification", () => {
  // RFC 3720, B.4
  assertEquals(crc32c(bytes("123456789")), 0xe3069283);
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assertEquals(crc32c(new Uint8Array()), 0);
});

Deno.test("crc32c does not depend on where bytes stand in memory", () => {
  const text = bytes("It was a bright cold day in April");
  for (let length = 0; length <= text.length; length++) {
    const expected = bitByBit(text.subarray(0, length));
    for (let start = 0; start < 9; start++) {
      const memory = new Uint8Array(64);
      memory.set(text.subarray(0, length), start);
      assertEquals(crc32c(memory.subarray(start, start + length)), expected);
    }
  }
});

function bitByBit(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
