import { assertEquals } from "@std/assert";
import type { WrittenPart } from "../../src/schema/secrets.ts";
import { redactedUrl, withoutQuery } from "../../src/schema/url.ts";
import { formatTemplate, parsePlaceholder } from "../../src/core/template.ts";

const KEY = parsePlaceholder("event.key")!;

const SHOWN: readonly [name: string, parts: readonly WrittenPart[], shown: string][] = [
  ["a part of the path", ["http://a/hooks/", { hidden: "T0/B1" }], "http://a/hooks/***"],
  ["a host, which is no secret", ["http://", { hidden: "a:81" }, "/b"], "http://a:81/b"],
  ["a port", ["http://a:", { hidden: "81" }, "/b"], "http://a:81/b"],
  ["a base without a path", [{ hidden: "https://a:81" }, "/b?c"], "https://a:81/b?c"],
  ["a base with a path", [{ hidden: "https://a:81/v1" }, "/b"], "https://a:81/***/b"],
  ["a whole URL", [{ hidden: "https://a/b?c=d" }], "https://a/***"],
  ["a whole URL without a path", [{ hidden: "https://a" }], "https://a/"],
  ["a whole URL with the path /", [{ hidden: "https://a/" }], "https://a/"],
  ["a scheme", [{ hidden: "http" }, "://a/b"], "http://a/b"],
  ["a value of the query", ["http://a/?b=", { hidden: "c" }, "&d=e"], "http://a/?b=***&d=e"],
  [
    "a path beside a template",
    ["http://a/", { hidden: "b" }, "/", KEY],
    "http://a/***/${event.key}",
  ],
  ["a URL in capitals", ["HTTP://A/", { hidden: "b" }], "http://a/***"],
  ["nothing", ["http://a/", { hidden: "" }, "b"], "http://a/b"],
];

for (const [name, parts, expected] of SHOWN) {
  Deno.test(`redactedUrl() hides what came from outside, when it is ${name}`, () => {
    assertEquals(formatTemplate(redactedUrl(parts)), expected);
  });
}

Deno.test("withoutQuery() shows a URL up to its query, without what came from outside", () => {
  assertEquals(withoutQuery("http://a/b?c"), "http://a/b");
  const shown = redactedUrl(["http://a/", { hidden: "b" }, "?c"]);
  assertEquals(withoutQuery("http://a/b?c", shown), "http://a/***");
});
