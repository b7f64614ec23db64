import { assertEquals } from "@std/assert";
import { LogThrottle } from "../../src/core/log_throttle.ts";

function clock() {
  let nowMs = 0;
  return { now: () => nowMs, pass: (ms: number) => void (nowMs += ms) };
}

Deno.test("LogThrottle allows a subject so many lines in an interval, whoever shares it", () => {
  const throttle = new LogThrottle({ maxLines: 3, ...clock() });
  const allowed = Array.from({ length: 5 }, () => throttle.allows("broker away"));
  assertEquals(allowed, ["yes", "yes", "last", "no", "no"]);
});

Deno.test("LogThrottle allows other subjects all the same", () => {
  const throttle = new LogThrottle({ maxLines: 3, ...clock() });
  for (let line = 0; line < 5; line++) throttle.allows("broker away");
  assertEquals(throttle.allows("too few replicas"), "yes");
});

Deno.test("LogThrottle allows a subject again, when the interval is over or it is reset", () => {
  const time = clock();
  const throttle = new LogThrottle(time);
  assertEquals(throttle.allows("broker away"), "last");
  time.pass(9_999);
  assertEquals(throttle.allows("broker away"), "no");
  time.pass(1);
  assertEquals(throttle.allows("broker away"), "last");
  assertEquals(throttle.allows("broker away"), "no");
  throttle.reset("broker away");
  assertEquals(throttle.allows("broker away"), "last");
  throttle.reset();
  assertEquals(throttle.allows("broker away"), "last");
});
