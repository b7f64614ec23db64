import { assertEquals } from "@std/assert";
import { jsonWeight } from "../../src/core/json_weight.ts";

const MANY = 100_000;

Deno.test("jsonWeight() counts what takes memory when it is parsed, and nothing inside texts", async (t) => {
  const table: [what: string, json: string, weight: number][] = [
    ["lists", "[".repeat(MANY) + "]".repeat(MANY), 2 * MANY],
    ["objects", `[${"{},".repeat(MANY)}1]`, 2 + 3 * MANY],
    ["keys", `{${'"a":1,'.repeat(MANY)}"b":1}`, 2 + 2 * MANY + 1],
    ["items", `[${"1,".repeat(MANY)}1]`, 2 + MANY],
    ["a text", `"${"[{,:".repeat(MANY)}"`, 0],
    ["quotes in a text", `["${'\\"[,'.repeat(MANY)}\\\\",1]`, 3],
    ["a little", "[".repeat(1000), 0],
  ];
  for (const [what, json, weight] of table) {
    await t.step(what, () => assertEquals(jsonWeight(json), weight));
  }
});
