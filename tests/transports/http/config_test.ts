import { assertEquals } from "@std/assert";
import { httpHandlerSchema } from "../../../src/transports/http/config.ts";
import { pipelineText, problemsOf } from "../../config/loading.ts";

const URL_TEXT = "http://localhost:8080/payload";

Deno.test("httpHandlerSchema reads what a handler can say", async (t) => {
  const defaults = {
    type: "http",
    method: "POST",
    url: URL_TEXT,
    headers: [],
    timeoutMs: 30_000,
    maxResponseBytes: 900 * 1024,
    forwardHeaders: [],
    redirect: "follow",
    retry: null,
    maxRetryAfterMs: 300_000,
    onTombstone: "send",
  };
  const retry = {
    maxAttempts: 5,
    backoff: { initialDelayMs: 500, maxDelayMs: 30_000, multiplier: 2, jitter: "full" },
    on: [408, 425, 429, 500, 502, 503, 504, "noResponse"],
  };
  const table: [string, Record<string, unknown>, Record<string, unknown>][] = [
    ["nothing but a URL", {}, {}],
    ["a method in lower case", { method: "patch" }, { method: "PATCH" }],
    ["a method of one's own", { method: "X-SEND" }, { method: "X-SEND" }],
    ["a URL with a query", { url: "HTTPS://Example.com?a=b" }, { url: "https://example.com/?a=b" }],
    ["a URL with IPv6", { url: "http://[::1]:80/a b".replace(" ", "%20") }, {
      url: "http://[::1]/a%20b",
    }],
    ["a name in another script", { url: "http://BÜCHER.example" }, {
      url: "http://xn--bcher-kva.example/",
    }],
    ["an encoded name, as browsers do", { url: "http://%41_b.:080/" }, { url: "http://a_b./" }],
    ["an address with a final dot", { url: "http://127.0.0.1.:81" }, {
      url: "http://127.0.0.1:81/",
    }],
    ["an address of this machine", { url: "http://0.0.0.0:81" }, { url: "http://0.0.0.0:81/" }],
    ["headers, as they are written", { headers: { "X-B": " b\t", "x-a": "", Cookie: "c=d" } }, {
      headers: [["X-B", "b"], ["x-a", ""], ["Cookie", "c=d"]],
    }],
    ["milliseconds", { timeout: "500ms" }, { timeoutMs: 500 }],
    ["minutes", { timeout: "5m" }, { timeoutMs: 300_000 }],
    ["hours", { timeout: "24h" }, { timeoutMs: 86_400_000 }],
    ["a size", { maxResponseBytes: "4MiB" }, { maxResponseBytes: 4 * 1024 ** 2 }],
    ["a number of bytes", { maxResponseBytes: 1 }, { maxResponseBytes: 1 }],
    ["redirects as results", { redirect: "manual" }, { redirect: "manual" }],
    ["retry as it comes", { retry: {} }, { retry }],
    [
      "retry in full",
      {
        retry: {
          maxAttempts: "3",
          initialDelay: "1s",
          maxDelay: "2s",
          multiplier: 1.5,
          jitter: "none",
          on: [429, "noResponse"],
        },
      },
      {
        retry: {
          maxAttempts: 3,
          backoff: { initialDelayMs: 1000, maxDelayMs: 2000, multiplier: 1.5, jitter: "none" },
          on: [429, "noResponse"],
        },
      },
    ],
    ["retry on one status", { retry: { on: 503 } }, { retry: { ...retry, on: [503] } }],
    ["maxRetryAfter", { maxRetryAfter: "1h" }, { maxRetryAfterMs: 3_600_000 }],
    ["onFailure", { onFailure: "discard" }, { onFailure: "discard" }],
    ["onTombstone", { onTombstone: "forward" }, { onTombstone: "forward" }],
  ];
  for (const [name, keys, expected] of table) {
    await t.step(name, () => {
      const handler = httpHandlerSchema.parse({ type: "http", url: URL_TEXT, ...keys });
      assertEquals(handler, { ...defaults, ...expected });
    });
  }
});

Deno.test("httpHandlerSchema says what is wrong", async (t) => {
  const duration = "expected a duration such as 500ms, 30s or 5m, from 1ms to 24h";
  const size = "expected a size such as 900KiB, 64MiB or a number of bytes, from 1 to 1GiB, found";
  const name = "is not the name of an HTTP header";
  const own = "this header cannot be set: the HTTP client sets it";
  const cause = "expected a whole number from 400 to 599, or noResponse";
  const delay = "expected a duration such as 500ms, 30s or 5m, from 10ms to 24h";
  const attempts = "expected a whole number from 1 to 1000000";
  const multiplier = "expected a number from 1 to 100";
  const method = "expected an HTTP method other than CONNECT, TRACE and TRACK";
  const table: [Record<string, unknown>, string][] = [
    [{ method: "connect" }, `method: ${method}, found 'connect'`],
    [{ method: "TRACE" }, `method: ${method}, found 'TRACE'`],
    [{ method: "TRACK" }, `method: ${method}, found 'TRACK'`],
    [{ method: "GET /" }, `method: ${method}, found 'GET /'`],
    [{ method: 5 }, "method: expected text in quotes, found the number 5"],
    [{ url: "localhost:8080" }, "url: expected an http:// or https:// URL, found 'localhost:8080'"],
    [{ url: "http:localhost" }, "url: expected an http:// or https:// URL, found 'http:localhost'"],
    [{ url: "http://a b" }, "url: expected an http:// or https:// URL, found 'http://a b'"],
    [{ url: "http://a\n" }, "url: expected an http:// or https:// URL, found 'http://a\\u{a}'"],
    [{ url: "http://" }, "url: expected an http:// or https:// URL, found 'http://'"],
    [{ url: 5 }, "url: expected an http:// or https:// URL, found the number 5"],
    [{ url: "http:///x" }, "url: expected a host name after '//'"],
    [{ url: "https:////x/y" }, "url: expected a host name after '//'"],
    [{ url: "http://\\x" }, "url: expected a host name after '//'"],
    [{ url: "http://a:0/x" }, "url: expected a port from 1 to 65535, found 0"],
    [{ url: "https://[::1]:00/" }, "url: expected a port from 1 to 65535, found 0"],
    ...["http://256.1.1.1/", "http://a.1", "http://a:65536", "http://[::1", "http://a%2fb"].map(
      (url): [Record<string, unknown>, string] => [
        { url },
        `url: expected an http:// or https:// URL with a valid host and port, found '${url}'`,
      ],
    ),
    [
      { url: "http://[fe80::1%25eth0]:80/" },
      "url: expected an http:// or https:// URL with an IPv6 address without a zone, which no URL can name, found 'http://[fe80::1%25eth0]:80/'",
    ],
    [
      { url: "http://[fe80::1]/" },
      "url: expected an address that is not link-local: it would need a zone, which no URL can name",
    ],
    ...["http://0/", "http://8080/", "https://127.1", "http://0x7f.0.0.1/", "http://010.0.0.1:80/"]
      .map((url): [Record<string, unknown>, string] => [
        { url },
        "url: expected a host name, or an IPv4 address as four numbers without leading zeros, such as 127.0.0.1",
      ]),
    ...["http://a@b", "http://@b/", "http://:@b"].map((url): [Record<string, unknown>, string] => [
      { url },
      "url: expected a URL without user name and password: use 'auth' with 'type: basic'",
    ]),
    [{ url: "http://a/#b" }, "url: expected a URL without '#': servers never see what follows it"],
    [{ timeout: 30 }, `timeout: ${duration}, found the number 30`],
    [{ timeout: 0 }, `timeout: ${duration}, found the number 0`],
    [{ timeout: "25h" }, `timeout: ${duration}, found '25h'`],
    [{ timeout: "30" }, `timeout: ${duration}, found '30'`],
    [{ timeout: "-1s" }, `timeout: ${duration}, found '-1s'`],
    [{ retry: { on: [200] } }, `retry.on[0]: ${cause}, found the number 200`],
    [{ retry: { on: ["no"] } }, `retry.on[0]: ${cause}, found 'no'`],
    [{ retry: { maxAttempts: 0 } }, `retry.maxAttempts: ${attempts}, found the number 0`],
    [{ retry: { multiplier: 0.5 } }, `retry.multiplier: ${multiplier}, found the number 0.5`],
    [{ retry: { backoff: 1 } }, "retry: unknown key 'backoff'"],
    [
      { onFailure: "retry" },
      "onFailure: expected 'block', 'deadLetter' or 'discard', found 'retry'",
    ],
    [
      { onTombstone: "forward" },
      "onTombstone: 'forward' needs an eventResultProcessor with 'when: onSuccess'",
    ],
    [{ retry: { initialDelay: 0 } }, `retry.initialDelay: ${delay}, found the number 0`],
    [{ onFailure: "deadLetter" }, "onFailure: the pipeline has no 'deadLetter': add that section"],
    [{ redirect: true }, "redirect: expected 'follow' or 'manual', found true"],
    [{ maxResponseBytes: 0 }, `maxResponseBytes: ${size} the number 0`],
    [{ maxResponseBytes: "2GiB" }, `maxResponseBytes: ${size} '2GiB'`],
    [{ headers: ["a"] }, "headers: expected a mapping, found a list"],
    [{ headers: { "a b": "c" } }, `headers['a b']: 'a b' ${name}`],
    [{ headers: { "": "c" } }, `headers['']: '' ${name}`],
    [
      { headers: { a: "ü" } },
      "headers.a: expected printable ASCII characters on one line, " +
      "found others (***)",
    ],
    [{ headers: { a: null } }, "headers.a: expected text in quotes, found nothing"],
    [{ headers: { a: "1", A: "2" } }, "headers.A: given twice"],
    ...[
      "Host",
      "content-length",
      "Transfer-Encoding",
      "connection",
      "upgrade",
      "expect",
      "te",
      "trailer",
      "keep-alive",
      "Proxy-Authorization",
    ].map((header): [Record<string, unknown>, string] => [
      { headers: { [header]: "a" } },
      `headers.${header}: ${own}`,
    ]),
    [{ retries: {} }, "unknown key 'retries'"],
  ];
  for (const [keys, expected] of table) {
    await t.step(JSON.stringify(keys), () => {
      const text = pipelineText({ eventHandler: { type: "http", url: URL_TEXT, ...keys } });
      const place = expected.startsWith("unknown") ? "eventHandler: " : "eventHandler.";
      assertEquals(problemsOf(text), [`pipeline 'orders': ${place}${expected}`]);
    });
  }
});
