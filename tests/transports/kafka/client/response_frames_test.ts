import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  FrameError,
  ResponseFrames,
} from "../../../../src/transports/kafka/client/response_frames.ts";

const LIMIT = 1000;

Deno.test("ResponseFrames yields the same responses, wherever what arrives is cut", () => {
  const stream = Buffer.concat(["1234", "a response", "x".repeat(LIMIT)].map(framed));
  const whole = texts(new ResponseFrames(LIMIT), [stream]);
  assertEquals(whole, ["1234", "a response", "x".repeat(LIMIT)]);
  for (let size = 1; size < 40; size++) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) pieces.push(stream.subarray(at, at + size));
    assertEquals(texts(new ResponseFrames(LIMIT), pieces), whole, `pieces of ${size} bytes`);
  }
});

for (
  const [what, bytes, reason] of [
    ["an empty response", sized(0), "it sent a response of 0 bytes"],
    ["one too short for a correlation id", sized(3), "it sent a response of 3 bytes"],
    ["one of a negative size", sized(-1), "it sent a response of -1 bytes"],
    ["one larger than the limit", sized(LIMIT + 1), "it announced a response of 1001 bytes"],
    ["one of 2 GB", sized(2 ** 31 - 1), "more than receive.message.max.bytes (1000)"],
    ["a response of HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n"), "it answers by HTTP"],
  ] as const
) {
  Deno.test(`ResponseFrames refuses ${what}, and all that comes behind it`, () => {
    const frames = new ResponseFrames(LIMIT);
    assertEquals(texts(frames, [framed("good")]), ["good"]);
    assertEquals(frames.isBroken, false);
    assertThrows(() => texts(frames, [bytes]), FrameError, reason);
    assertEquals(frames.isBroken, true);
    assertThrows(() => texts(frames, [framed("good")]), FrameError);
  });
}

Deno.test("ResponseFrames yields what came before a broken response in the same piece", () => {
  const frames = new ResponseFrames(LIMIT).push(Buffer.concat([framed("good"), sized(0)]));
  assertEquals(`${frames.next().value}`, "good");
  assertThrows(() => frames.next(), FrameError);
});

function texts(frames: ResponseFrames, pieces: readonly Buffer[]): string[] {
  return pieces.flatMap((piece) => [...frames.push(piece)].map((frame) => frame.toString()));
}

function framed(text: string): Buffer {
  return Buffer.concat([sized(text.length), Buffer.from(text)]);
}

function sized(size: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(size);
  return bytes;
}
