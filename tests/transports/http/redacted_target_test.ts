import { assertEquals } from "@std/assert";
import { httpHandlerSchema } from "../../../src/transports/http/config.ts";
import { redactedRedirect, RedactedTargets } from "../../../src/transports/http/redacted_target.ts";
import { configOf, pipelineText } from "../../config/loading.ts";
import { anEvent, bytes } from "../../support/events.ts";

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
  Deno.test(`RedactedTargets show ${expected} of ${url}`, () => {
    const text = pipelineText({ eventHandler: { type: "http", url } });
    const config = configOf(text, { variables: { SECRET: "s3cr3t" } }).pipelines[0]?.eventHandler;
    const targets = new RedactedTargets(config as ReturnType<typeof httpHandlerSchema.parse>);
    assertEquals(targets.of(anEvent({ key: bytes("1/2") })), expected);
  });
}

Deno.test("redactedRedirect() shows the path and the names of the query", () => {
  assertEquals(redactedRedirect("/a"), "/a");
  assertEquals(redactedRedirect("/a?b=c&d"), "/a?b=***&***");
});

Deno.test("RedactedTargets hide literal values of the query elsewhere, too, as they are written and as they are meant", () => {
  const url = "http://a/?b=c%2Bd&e=x${event.key}&f";
  const text = pipelineText({ eventHandler: { type: "http", url } });
  const config = configOf(text).pipelines[0]?.eventHandler;
  const { hidden } = new RedactedTargets(config as ReturnType<typeof httpHandlerSchema.parse>);
  assertEquals(hidden, ["c%2Bd", "c+d", "x", "x", "f", "f"]);
});
