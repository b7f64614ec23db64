import { assertEquals } from "@std/assert";
import { failurePolicy, type OnFailure, type RetryConfig } from "../../src/core/failure_policy.ts";

const BACKOFF = { initialDelayMs: 1000, maxDelayMs: 2000, multiplier: 2 };

function policy(
  { on, onFailure, hasDeadLetters = false }: {
    on?: RetryConfig["on"];
    onFailure?: OnFailure;
    hasDeadLetters?: boolean;
  } = {},
) {
  const retry = on === undefined ? null : { maxAttempts: 3, backoff: BACKOFF, on };
  return failurePolicy({ retry, onFailure, onTombstone: "send" }, { hasDeadLetters });
}

Deno.test("failurePolicy() repeats calls without a response only, when there is no retry", () => {
  const { retry, noResponse } = policy();
  assertEquals([retry, noResponse], [null, { maxAttempts: 5 }]);
});

Deno.test("failurePolicy() repeats what retry names", () => {
  const configured = { maxAttempts: 3, backoff: BACKOFF };
  const both = policy({ on: [503, "noResponse"] });
  assertEquals([both.retry, both.noResponse], [configured, configured]);
  const one = policy({ on: [503] });
  assertEquals([one.retry, one.noResponse], [configured, null]);
});

Deno.test("failurePolicy() uses dead letters when there are some, and else what is configured", () => {
  const all: [Parameters<typeof policy>[0], OnFailure][] = [
    [{}, "block"],
    [{ onFailure: "discard" }, "discard"],
    [{ hasDeadLetters: true }, "deadLetter"],
    [{ onFailure: "block", hasDeadLetters: true }, "deadLetter"],
  ];
  for (const [given, expected] of all) assertEquals(policy(given).onFailure, expected);
});
