import { assert, assertEquals } from "@std/assert";
import { isAmong } from "../../faults/endpoint_rules.ts";

const EVENTS = Array.from(
  { length: 12_000 },
  (_, number) => ({ partition: number % 12, offset: Math.floor(number / 12) }),
);

Deno.test("isAmong() takes about as many events as the percentages say, of every partition", () => {
  const share = { fromPercent: 2, toPercent: 4 };
  for (let partition = 0; partition < 12; partition++) {
    const taken = EVENTS.filter((event) => event.partition === partition && isAmong(event, share));
    assert(taken.length >= 5 && taken.length <= 50, `${taken.length} of 1000`);
  }
  const taken = EVENTS.filter((event) => isAmong(event, share)).length;
  assert(taken >= 180 && taken <= 300, `${taken} of 12000`);
});

Deno.test("isAmong() gives each event to exactly one of shares that follow each other", () => {
  const shares = [0, 25, 50, 75].map((fromPercent) => ({
    fromPercent,
    toPercent: fromPercent + 25,
  }));
  const memberships = EVENTS.map((event) => shares.filter((share) => isAmong(event, share)).length);
  assertEquals(new Set(memberships), new Set([1]));
});
