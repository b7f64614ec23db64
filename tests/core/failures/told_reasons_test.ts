import { assertEquals } from "@std/assert";
import { ToldReasons } from "../../../src/core/failures/told_reasons.ts";

function clock() {
  let nowMs = 0;
  return { now: () => nowMs, pass: (ms: number) => void (nowMs += ms) };
}

Deno.test("ToldReasons.tell() has a reason told three times in 10 s, whoever shares it", () => {
  const told = new ToldReasons(clock());
  const tellings = Array.from({ length: 5 }, () => told.tell("broker away"));
  assertEquals(tellings, ["yes", "yes", "last", "no", "no"]);
});

Deno.test("ToldReasons.tell() has other reasons told all the same", () => {
  const told = new ToldReasons(clock());
  for (let times = 0; times < 5; times++) told.tell("broker away");
  assertEquals(told.tell("too few replicas"), "yes");
});

Deno.test("ToldReasons.tell() has a reason told again, when 10 s are over", () => {
  const time = clock();
  const told = new ToldReasons(time);
  for (let times = 0; times < 5; times++) told.tell("broker away");
  time.pass(9_999);
  assertEquals(told.tell("broker away"), "no");
  time.pass(1);
  assertEquals(told.tell("broker away"), "yes");
});
