import { assertEquals, assertThrows } from "@std/assert";
import { parsePlaceholder, type Template, TemplateError } from "../../../src/core/template.ts";
import { headerValue } from "../../../src/transports/http/percent_encoding.ts";
import { parseUrlTemplate, targetFor } from "../../../src/transports/http/url_template.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { HOSTILE_KEYS, ORDINARY_KEYS } from "../../support/http/url_keys.ts";

const KEY = parsePlaceholder("event.key")!;

function target(parts: Template["parts"], key: Uint8Array<ArrayBuffer> | string): string {
  const template = parseUrlTemplate({ parts }, (url) => URL.parse(url));
  if (template === null) throw new Error("It is no URL with placeholders");
  return targetFor(template, anEvent({ key: typeof key === "string" ? bytes(key) : key }));
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const HOSTILE: readonly [value: string, encoded: string][] = [
  ["@evil", "%40evil"],
  [".evil.example", ".evil.example"],
  ["//evil.example", "%2F%2Fevil.example"],
  ["\\evil", "%5Cevil"],
  ["a?b=c&d#e", "a%3Fb%3Dc%26d%23e"],
  ["a\r\nHost: evil", "a%0D%0AHost%3A%20evil"],
  ["%41", "%2541"],
  ["%", "%25"],
  ["a b+c", "a%20b%2Bc"],
  ["a;b=c,d", "a%3Bb%3Dc%2Cd"],
  ["ü€😀", "%C3%BC%E2%82%AC%F0%9F%98%80"],
  ["\u202e", "%E2%80%AE"],
  ["'\"<>`{}|^", "%27%22%3C%3E%60%7B%7D%7C%5E"],
  ["\0", "%00"],
  ["eventor-placeholder-0-", "eventor-placeholder-0-"],
];

Deno.test("targetFor() keeps hostile values within their segment and their part of the query", async (t) => {
  for (const [value, encoded] of HOSTILE) {
    await t.step(JSON.stringify(value), () => {
      assertEquals(target(["http://a:1/orders/", KEY, "/x"], value), `/orders/${encoded}/x`);
      assertEquals(
        target(["http://a:1/orders?id=", KEY, "&x=1"], value),
        `/orders?id=${encoded}&x=1`,
      );
      assertEquals(target(["http://a:1/v", KEY, ".json"], value), `/v${encoded}.json`);
    });
  }
});

Deno.test("targetFor() fails where path and query would be longer than common servers take", () => {
  const longest = "a".repeat(8191);
  assertEquals(target(["http://a:1/", KEY], longest), `/${longest}`);
  for (const parts of [["http://a:1/", KEY, "b"], ["http://a:1/?", KEY]]) {
    assertThrows(
      () => target(parts, longest),
      TemplateError,
      "the URL's path and query would be longer than 8192 bytes",
    );
  }
  assertThrows(() => target(["http://a:1/", KEY], "%".repeat(3000)), TemplateError, "8192 bytes");
});

Deno.test("targetFor() encodes what is no text", () => {
  assertEquals(target(["http://a:1/", KEY], new Uint8Array([0, 255, 128])), "/%00%FF%80");
});

Deno.test("targetFor() fails where a part of the path would be empty, also when slashes are decoded and merged", () => {
  for (const key of ["", "/", "//", "\\", "%2f", "%252F"]) {
    for (const parts of [["http://a:1/orders/", KEY], ["http://a:1/orders/", KEY, "/x"]]) {
      assertThrows(() => target(parts, key), TemplateError, "would be empty", JSON.stringify(key));
    }
  }
});

Deno.test("targetFor() fails for a value that has a dot segment in it, however it is encoded", () => {
  for (const key of HOSTILE_KEYS) {
    for (const parts of [["http://a:1/orders/", KEY], ["http://a:1/orders/", KEY, "/x"]]) {
      assertThrows(() => target(parts, key), TemplateError, "another path", JSON.stringify(key));
    }
  }
});

Deno.test("targetFor() fails where values and the text around them make a dot segment together", async (t) => {
  const table: [parts: Template["parts"], key: string][] = [
    [["http://a:1/orders/", KEY, KEY], "."],
    [["http://a:1/orders/", KEY, KEY], "a/."],
    [["http://a:1/orders/.", KEY, "/x"], "."],
    [["http://a:1/orders/.", KEY], "/admin"],
    [["http://a:1/orders/.", KEY], "%2e"],
    [["http://a:1/orders/", KEY, "."], "a/."],
    [["http://a:1/orders/", KEY, "."], "a%5C"],
    [["http://a:1/orders/%2e", KEY, "/x"], "."],
    [["http://a:1/orders/%2E", KEY, "/x"], ""],
    [["http://a:1/orders/", KEY, ";v=1/x"], ".."],
  ];
  for (const [parts, key] of table) {
    await t.step(`${JSON.stringify(parts)} ${key}`, () => {
      assertThrows(() => target(parts, key), TemplateError, "another path");
    });
  }
});

Deno.test("targetFor() takes ordinary values", () => {
  for (const key of ORDINARY_KEYS) {
    assertEquals(target(["http://a:1/orders/", KEY], key), `/orders/${encoded(key)}`);
  }
});

Deno.test("targetFor() takes '.' and '..' as parts of something else, and in the query", () => {
  assertEquals(target(["http://a:1/v", KEY], ".."), "/v..");
  assertEquals(target(["http://a:1/?q=", KEY], "../x"), "/?q=..%2Fx");
  assertEquals(target(["http://a:1/?q=", KEY], ""), "/?q=");
  assertEquals(target(["http://a:1/p?", KEY], ""), "/p");
});

Deno.test("parseUrlTemplate() normalizes what is literal, as any URL", () => {
  assertEquals(target(["http://a:1/ü/../b c/", KEY, "?x='"], "k"), "/b%20c/k?x=%27");
});

Deno.test("parseUrlTemplate() takes placeholders in path and query alone", async (t) => {
  const table: Template["parts"][] = [
    [KEY],
    [KEY, "/orders"],
    ["http://", KEY, "/orders"],
    ["http://a", KEY, "/orders"],
    ["http://a:", KEY, "/orders"],
    ["http://a:1", KEY],
    ["http:/", KEY],
    ["http://a\\", KEY],
    ["ftp://a/", KEY],
    ["http://a/eventor-placeholder-", KEY],
  ];
  for (const parts of table) {
    await t.step(JSON.stringify(parts.filter((part) => typeof part === "string")), () => {
      assertEquals(parseUrlTemplate({ parts }, (url) => URL.parse(url)), null);
    });
  }
});

Deno.test("headerValue() leaves visible ASCII, and encodes whatever could end a header or be lost", async (t) => {
  const table: [value: string | Uint8Array<ArrayBuffer>, expected: string][] = [
    ["tenant-1", "tenant-1"],
    ["a b", "a b"],
    [" a ", "%20a%20"],
    [" ", "%20"],
    ["a\r\nx-admin: 1", "a%0D%0Ax-admin: 1"],
    ["\0", "%00"],
    ["ü", "%C3%BC"],
    ["\t", "%09"],
    ["%41", "%41"],
    [new Uint8Array([0xff]), "%FF"],
    ["", ""],
  ];
  for (const [value, expected] of table) {
    await t.step(JSON.stringify(value), () => {
      assertEquals(headerValue(typeof value === "string" ? bytes(value) : value), expected);
    });
  }
});
