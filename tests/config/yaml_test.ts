import { assert, assertEquals } from "@std/assert";
import { parseDocument } from "../../src/config/yaml.ts";
import { problemsOf } from "./loading.ts";

Deno.test("parseDocument() copies aliases and merges mappings", () => {
  assertEquals(
    parseDocument("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{z: 1}, *a]}\nd: *a"),
    {
      document: {
        a: { x: 1, y: 2 },
        b: { x: 1, y: 3 },
        c: { x: 1, y: 2, z: 1 },
        d: { x: 1, y: 2 },
      },
    },
  );
});

Deno.test("parseDocument() leaves dates as text", () => {
  assertEquals(parseDocument("a: 2020-01-01"), { document: { a: "2020-01-01" } });
});

Deno.test("parseDocument() gives a reason for what it does not take", async (t) => {
  const laughs = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"];
  for (const [name, last] of ["ba", "cb", "dc", "ed", "fe", "gf", "hg"].map((pair) => [...pair])) {
    laughs.push(`${name}: &${name} [${Array(10).fill(`*${last}`).join(", ")}]`);
  }
  const keys = Array.from({ length: 1000 }, (_, index) => `k${index}: 1`).join(", ");
  const table: [string, string, string][] = [
    [
      "broken YAML",
      "a: [1\nb: 2",
      "invalid YAML at line 2, column 1: Cannot read flow " +
      "collection: missing comma between flow collection entries",
    ],
    [
      "a key twice",
      "a: 1\na: 2",
      "invalid YAML at line 2, column 1: Cannot store mapping pair: " +
      "duplicated key",
    ],
    ["two documents", "a: 1\n---\nb: 2", "expected one YAML document, found another one at line 2"],
    ["too much text", " ".repeat(1_000_001), "larger than 1 MB"],
    ["a cycle", "a: &a [*a]", "a[0]: an alias contains itself"],
    ["a merged cycle", "a: &a {<<: *a}", "a: an alias contains itself"],
    ["a billion laughs", laughs.join("\n"), "more than 100,000 values"],
    [
      "a billion merges",
      `a: &a {${keys}}\nb: {<<: [${Array(1000).fill("*a").join(", ")}]}`,
      "b: more than 100,000 values",
    ],
    [
      "a merge of no mapping",
      "a: {<<: 5}",
      "a: expected a mapping or a list of mappings under '<<'",
    ],
    ["__proto__", "__proto__: {a: 1}", "the key '__proto__' is not allowed"],
    ["constructor", "- {b: {constructor: 1}}", "[0].b: the key 'constructor' is not allowed"],
    ["prototype", "a: {prototype: 1}", "a: the key 'prototype' is not allowed"],
    ["deep nesting", "[".repeat(60) + "]".repeat(60), "nested too deeply"],
    ["nesting too deep for the parser", "[".repeat(100_000), "nested too deeply"],
    ["nesting by dashes", `${"- ".repeat(100_000)}a`, "nested too deeply"],
    [
      "a binary",
      "a: !!binary aGVsbG8=",
      "invalid YAML at line 1, column 21: " +
      "Cannot resolve unknown tag ***",
    ],
    [
      "a function",
      "a: !!js/function 'x'",
      "invalid YAML at line 1, column 21: " +
      "Cannot resolve unknown tag ***",
    ],
  ];
  for (const [name, text, expected] of table) {
    await t.step(name, () => {
      const [problem, ...others] = problemsOf(text);
      assertEquals(others, []);
      assert(problem?.endsWith(expected), problem);
    });
  }
});
