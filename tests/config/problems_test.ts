import { assertEquals } from "@std/assert";
import { pipelineText, problemsOf } from "./loading.ts";

Deno.test("loadConfig() says what is wrong with a file", async (t) => {
  const table: [string, string, string[]][] = [
    ["an empty one", "", ["empty"]],
    ["one of comments", "# nothing\n", ["empty"]],
    ["text", "hello", ["expected a list of pipelines, or a mapping with 'pipelines'"]],
    ["a number", "5", ["expected a list of pipelines, or a mapping with 'pipelines'"]],
    ["an empty list", "[]", ["there are no pipelines"]],
    ["no pipelines", "logFormat: json", ["pipelines: required"]],
    ["pipelines that are none", "pipelines: 5", ["pipelines: expected a list, found the number 5"]],
    ["an unknown key", `{logformat: json, pipelines: ${pipelineText()}}`, [
      "unknown key 'logformat', did you mean 'logFormat'?",
    ]],
    ["a wrong log format", `{logFormat: xml, pipelines: ${pipelineText()}}`, [
      "logFormat: expected 'text' or 'json', found 'xml'",
    ]],
    ["a number as a duration", `{shutdownTimeout: 30, pipelines: ${pipelineText()}}`, [
      "shutdownTimeout: expected a duration such as 500ms, 30s or 5m, from 0 to 1h, " +
      "found the number 30",
    ]],
    ["a duration that is too long", `{shutdownTimeout: 2h, pipelines: ${pipelineText()}}`, [
      "shutdownTimeout: expected a duration such as 500ms, 30s or 5m, from 0 to 1h, found '2h'",
    ]],
  ];
  for (const [name, text, expected] of table) {
    await t.step(name, () => assertEquals(problemsOf(text), expected));
  }
});

Deno.test("loadConfig() says what is wrong with a pipeline", async (t) => {
  const table: [string, Record<string, unknown>, string[]][] = [
    ["no name", { name: undefined }, ["pipeline #1: name: required"]],
    ["a name without a value", { name: null }, [
      "pipeline #1: name: expected text in quotes, found nothing",
    ]],
    ["an empty name", { name: "" }, [
      "pipeline #1: name: expected 1 to 249 characters without control characters, found empty text",
    ]],
    ["a number as a name", { name: 5 }, [
      "pipeline #1: name: expected text in quotes, found the number 5",
    ]],
    ["a name on two lines", { name: "a\nb" }, [
      "pipeline 'a\\u{a}b': name: expected 1 to 249 characters without control characters, " +
      "found 'a\\u{a}b'",
    ]],
    ["a name that is too long", { name: "a".repeat(250) }, [
      `pipeline '${"a".repeat(60)}...': name: expected 1 to 249 characters without control ` +
      `characters, found '${"a".repeat(60)}...'`,
    ]],
    ["an unknown level", { logLevel: 4 }, [
      "pipeline 'orders': logLevel: expected DEBUG, INFO, WARN, ERROR or 0 to 3, found the number 4",
    ]],
    ["another order", { ordering: "topic" }, [
      "pipeline 'orders': ordering: expected 'key', 'partition' or 'none', found 'topic'",
    ]],
    ["no concurrency", { concurrency: 0 }, [
      "pipeline 'orders': concurrency: expected a whole number from 1 to 10000, found the number 0",
    ]],
    ["a size in another unit", { maxBufferedBytes: "64MB" }, [
      "pipeline 'orders': maxBufferedBytes: expected a size such as 900KiB, 64MiB or a number of " +
      "bytes, from 1MiB to 4GiB, found '64MB'",
    ]],
    ["a size that is too small", { maxBufferedBytes: 1000 }, [
      "pipeline 'orders': maxBufferedBytes: expected a size such as 900KiB, 64MiB or a number of " +
      "bytes, from 1MiB to 4GiB, found the number 1000",
    ]],
    ["several unknown keys", { loglevel: 1, "a\u001bb": 2 }, [
      "pipeline 'orders': unknown key 'loglevel', did you mean 'logLevel'?",
      "pipeline 'orders': unknown key 'a\\u{1b}b'",
    ]],
    ["no listener", { eventListener: undefined }, ["pipeline 'orders': eventListener: required"]],
    ["a listener without a value", { eventListener: null }, [
      "pipeline 'orders': eventListener: expected a mapping, found nothing",
    ]],
    ["a listener without a type", { eventListener: {} }, [
      "pipeline 'orders': eventListener.type: required: 'kafka' or 'stdin'",
    ]],
    [
      "an unknown type, and nothing else of its section",
      { eventListener: { type: "kafak", a: 1 } },
      [
        "pipeline 'orders': eventListener.type: expected 'kafka' or 'stdin', found 'kafak'",
      ],
    ],
    ["a handler that is text", { eventHandler: "http" }, [
      "pipeline 'orders': eventHandler: expected a mapping, found text",
    ]],
    ["a result processor that is a number", { eventResultProcessor: 5 }, [
      "pipeline 'orders': eventResultProcessor: expected a list or a mapping, found the number 5",
    ]],
    ["an empty list of result processors", { eventResultProcessor: [] }, [
      "pipeline 'orders': eventResultProcessor: expected at least one",
    ]],
    ["a result processor of a list", { eventResultProcessor: [{ type: "stdout" }, 5] }, [
      "pipeline 'orders': eventResultProcessor[0].when: required",
      "pipeline 'orders': eventResultProcessor[1]: expected a mapping, found the number 5",
    ]],
    ["a single result processor", { eventResultProcessor: { type: "stdout", when: "always" } }, [
      "pipeline 'orders': eventResultProcessor.when: expected 'onSuccess' or 'onError', " +
      "found 'always'",
    ]],
    ["no outcome", { eventResultProcessor: { type: "stdout", when: [] } }, [
      "pipeline 'orders': eventResultProcessor.when: expected at least one",
    ]],
    ["a wrong outcome in a list", {
      eventResultProcessor: { type: "stdout", when: ["onSuccess", "onFail"] },
    }, [
      "pipeline 'orders': eventResultProcessor.when[1]: expected 'onSuccess' or 'onError', " +
      "found 'onFail'",
    ]],
    ["all at once", {
      logLevel: 9,
      eventListener: { type: "stdin", format: "xml" },
      eventHandler: { type: "http", uri: "http://x" },
    }, [
      "pipeline 'orders': logLevel: expected DEBUG, INFO, WARN, ERROR or 0 to 3, found the number 9",
      "pipeline 'orders': eventListener.format: expected 'text' or 'json', found 'xml'",
      "pipeline 'orders': eventHandler.url: required",
      "pipeline 'orders': eventHandler: unknown key 'uri', did you mean 'url'?",
    ]],
  ];
  for (const [name, sections, expected] of table) {
    await t.step(name, () => assertEquals(problemsOf(pipelineText(sections)), expected));
  }
});

Deno.test("loadConfig() counts pipelines without a name", () => {
  const text = `[${pipelineText().slice(1, -1)}, {}, 7]`;
  assertEquals(problemsOf(text), [
    "pipeline #2: name: required",
    "pipeline #2: eventListener: required",
    "pipeline #2: eventHandler: required",
    "pipeline #3: expected a mapping, found the number 7",
  ]);
});

Deno.test("loadConfig() refuses an onFailure that contradicts the pipeline's deadLetter", async (t) => {
  const textOf = (onFailure: string) =>
    `[{ name: a, eventListener: { type: stdin }, ` +
    `eventHandler: { type: http, url: "http://a/", onFailure: ${onFailure} }, ` +
    `deadLetter: { type: stdout } }]`;
  for (const onFailure of ["block", "discard"]) {
    await t.step(onFailure, () =>
      assertEquals(problemsOf(textOf(onFailure)), [
        `pipeline 'a': eventHandler.onFailure: '${onFailure}' contradicts the pipeline's ` +
        "'deadLetter': leave out one of the two",
      ]));
  }
  assertEquals(problemsOf(textOf("deadLetter")), []);
});
