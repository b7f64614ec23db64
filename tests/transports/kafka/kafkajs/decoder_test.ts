import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import { DamagedResponseError, DECODER } from "../../../../src/transports/kafka/kafkajs/decoder.ts";
import { replaceMembers } from "../../../../src/transports/kafka/kafkajs/replacement.ts";

replaceMembers([DECODER]);

/** The largest number of variable length that kafkajs reads, and a negative one other than -1. */
const HUGE_VARINT = [0xfe, 0xff, 0xff, 0xff, 0x0f];
const MINUS_TWO = [0x03];

for (
  const [method, bytes] of [
    ["readInt8", []],
    ["readInt16", [0]],
    ["readInt32", [0, 0, 0]],
    ["readInt64", [0, 0, 0, 0, 0, 0, 0]],
    ["readDouble", [0]],
    ["readVarInt", []],
    ["readString", [0, 3, 97, 98]],
    ["readString", [0x80, 0]],
    ["readVarIntString", [6, 97, 98]],
    ["readVarIntString", MINUS_TWO],
    ["readUVarIntString", [4, 97, 98]],
    ["readBytes", [0, 0, 0, 3, 97, 98]],
    ["readBytes", [0x80, 0, 0, 0]],
    ["readVarIntBytes", HUGE_VARINT],
    ["readUVarIntBytes", HUGE_VARINT],
    ["readArray", [0x7f, 0xff, 0xff, 0xff, 0, 0]],
    ["readArray", [0x80, 0, 0, 0, 0, 0]],
    ["readVarIntArray", HUGE_VARINT],
    ["readUVarIntArray", HUGE_VARINT],
    ["readTaggedFields", HUGE_VARINT],
  ] as const
) {
  Deno.test(`the decoder refuses ${method}() of [${bytes.join(" ")}], which end before it does`, () => {
    const decoder = new Decoder(Buffer.from(bytes));
    assertThrows(
      () => decoder[method](() => decoder.readInt8()),
      DamagedResponseError,
    );
  });
}

Deno.test("the decoder reads what is there, and null", () => {
  const decoder = new Decoder(
    Buffer.from([
      0,
      1,
      97,
      0xff,
      0xff,
      0,
      0,
      0,
      1,
      98,
      0xff,
      0xff,
      0xff,
      0xff,
      0,
      0,
      0,
      2,
      1,
      2,
      0,
      0,
    ]),
  );
  assertEquals(decoder.readString(), "a");
  assertEquals(decoder.readString(), null);
  assertEquals(`${decoder.readBytes()}`, "b");
  assertEquals(decoder.readBytes(), null);
  assertEquals(decoder.readArray(() => decoder.readInt8()), [1, 2]);
  assertEquals([decoder.readUVarIntArray(() => 0), decoder.readTaggedFields()], [null, null]);
});
