import { assert, assertEquals } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { misdeed } from "../../faults/endpoint_misbehaviour.ts";

const BODY = new TextEncoder().encode("run:0:1");

Deno.test("misdeed() makes of a bomb a response that is a thousand times as large once it is decoded", () => {
  const bytes = 4 * 1024 * 1024;
  const bomb = misdeed({ kind: "bomb", bytes }, BODY);
  const head = new TextDecoder("latin1").decode(bomb.bytes);
  const body = bomb.bytes.subarray(head.indexOf("\r\n\r\n") + 4);
  assert(body.length < bytes / 900, `${body.length} bytes`);
  assertEquals(gunzipSync(body).length, bytes);
  assertEquals(bomb.then, "keep");
});

Deno.test("misdeed() ends the connection where nobody could tell where a response ends", () => {
  for (const kind of ["close", "garbage", "truncated", "doubleHead", "twoLengths"] as const) {
    assertEquals(misdeed({ kind }, BODY).then, "close", kind);
  }
  for (const kind of ["hang", "headOnly"] as const) {
    assertEquals(misdeed({ kind }, BODY).then, "wait", kind);
  }
});
