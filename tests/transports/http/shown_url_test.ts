import { assertEquals } from "@std/assert";
import type { WrittenPart } from "../../../src/config/secrets.ts";
import { formatTemplate, parseGap } from "../../../src/core/template.ts";
import { httpHandlerSchema } from "../../../src/transports/http/config.ts";
import { shownRedirect, ShownTargets, shownUrl } from "../../../src/transports/http/shown_url.ts";
import { configOf, pipelineText } from "../../config/loading.ts";
import { anEvent, bytes } from "../../support/events.ts";

const KEY = parseGap("event.key")!;

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
  Deno.test(`shownUrl() hides what came from outside, when it is ${name}`, () => {
    assertEquals(formatTemplate(shownUrl(parts)), expected);
  });
}

const TARGETS: readonly [url: string, shown: string][] = [
  ["http://a/", "/"],
  ["http://a", "/"],
  ["http://a/b/c?", "/b/c"],
  ["http://a/b?c=d&e=f", "/b?c=***&e=***"],
  ["http://a/b?c=d=e", "/b?c=***"],
  ["http://a/b?secret", "/b?***"],
  ["http://a/b?c=&d=", "/b?c=&d="],
  ["http://a/${event.key}?c=${event.key}&d=x${event.key}y", "/1%2F2?c=1%2F2&d=***1%2F2***"],
  ["http://a/${env:SECRET}/${event.key}?c=d", "/***/1%2F2?c=***"],
  ["http://a/${env:SECRET}?${env:SECRET}=d", "/***?***=***"],
];

for (const [url, expected] of TARGETS) {
  Deno.test(`ShownTargets show ${expected} of ${url}`, () => {
    const text = pipelineText({ eventHandler: { type: "http", url } });
    const config = configOf(text, { variables: { SECRET: "s3cr3t" } }).pipelines[0]?.eventHandler;
    const targets = new ShownTargets(config as ReturnType<typeof httpHandlerSchema.parse>);
    assertEquals(targets.of(anEvent({ key: bytes("1/2") })), expected);
  });
}

Deno.test("shownRedirect() shows the path and the names of the query", () => {
  assertEquals(shownRedirect("/a"), "/a");
  assertEquals(shownRedirect("/a?b=c&d"), "/a?b=***&***");
});

Deno.test("ShownTargets hide literal values of the query elsewhere, too, as they are written and as they are meant", () => {
  const url = "http://a/?b=c%2Bd&e=x${event.key}&f";
  const text = pipelineText({ eventHandler: { type: "http", url } });
  const config = configOf(text).pipelines[0]?.eventHandler;
  const { hidden } = new ShownTargets(config as ReturnType<typeof httpHandlerSchema.parse>);
  assertEquals(hidden, ["c%2Bd", "c+d", "x", "x", "f", "f"]);
});
