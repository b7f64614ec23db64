import { assert } from "@std/assert";
import { formatProblem, loadConfig } from "../../src/config/mod.ts";
import { ORIGINAL_SAMPLE, outside } from "./loading.ts";

const SNIPPETS = [
  "",
  "\n",
  "  ",
  ": ",
  "- ",
  "{",
  "]",
  "&a ",
  "*a",
  "<<: ",
  "!!str ",
  "'",
  '"',
  "#",
  "|\n",
  "null",
  "[]",
  "-1",
  "1e999",
  ".nan",
  "${env:A}",
  "${file:/x}",
  "${",
  "\u0000",
  "\u202e",
  "\ud800",
  "__proto__: 1",
  "constructor",
];

Deno.test("loadConfig() never throws, and every problem is one line", () => {
  let seed = 1;
  function random(limit: number): number {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * limit);
  }

  for (let round = 0; round < 500; round++) {
    let text = ORIGINAL_SAMPLE;
    for (let change = 0; change <= random(6); change++) {
      const at = random(text.length);
      const snippet = SNIPPETS[random(SNIPPETS.length)] ?? "";
      text = text.slice(0, at) + snippet + text.slice(at + random(12));
    }
    const loaded = loadConfig([{ name: "config.yaml", text }], outside());
    if ("config" in loaded) continue;
    assert(loaded.problems.length > 0, text);
    for (const problem of loaded.problems) {
      const line = formatProblem(problem);
      assert(!/\p{Cc}|Invalid|not valid|undefined|\[object/u.test(line), `${line}\n${text}`);
    }
  }
});
