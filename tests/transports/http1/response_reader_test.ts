import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../../src/core/event.ts";
import { HeadReader } from "../../../src/transports/http1/head_reader.ts";
import type { HttpResponse } from "../../../src/transports/http1/http_response.ts";
import {
  CutOffResponseError,
  ResponseReader,
} from "../../../src/transports/http1/response_reader.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const MAX_BODY_BYTES = 100;

/** What comes over the wire, one character for each byte, and what it says. */
interface Case {
  readonly what: string;
  readonly method?: string;
  readonly wire: string;
  readonly status?: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
  readonly keepsConnection?: boolean;
}

const RESPONSES: readonly Case[] = [
  {
    what: "a body with its length",
    wire: "HTTP/1.1 201 Created\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
    status: 201,
    headers: { "content-type": "a/b", "content-length": "5" },
    body: "hello",
  },
  { what: "an empty body", wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", body: "" },
  {
    what: "a length that is given twice",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length:2, 2\r\n\r\nhi",
    headers: { "content-length": "2, 2, 2" },
    body: "hi",
  },
  { what: "no reason", wire: "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", body: "" },
  {
    what: "no reason and no space before it",
    wire: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    body: "",
  },
  ...[" 200 OK", "\t200\tOK", "200  ", "200 \x1b[1mOK\x7f"].map((rest) => ({
    what: `the status line ${JSON.stringify(`HTTP/1.1 ${rest}`)}`,
    wire: `HTTP/1.1 ${rest}\r\nContent-Length: 0\r\n\r\n`,
    body: "",
  })),
  {
    what: "lines that end by line feeds alone",
    wire: "HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\nhi",
    headers: { "x": "a", "content-length": "2" },
    body: "hi",
  },
  {
    what: "headers with spaces, repeated, empty, and not ASCII",
    wire: "HTTP/1.1 200 \xfc\r\nA:\t 1 \t\r\na: 2\r\nB:\r\nC: \xfc:d\r\nContent-Length: 0\r\n\r\n",
    headers: { "a": "1, 2", "b": "", "c": "\xfc:d", "content-length": "0" },
    body: "",
  },
  {
    what: "chunks with extensions, and trailers",
    wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" +
      "5\r\nhello\r\nA;x=y\r\n, world.\r\n\r\n000;z\r\nX: y\r\n\r\n",
    body: "hello, world.\r\n",
  },
  {
    what: "chunk sizes with leading zeros, and white space behind them",
    wire: chunked("0000000000000002\r\nhi\r\n0001 \r\n!\r\n00000000000000000000\r\n\r\n"),
    body: "hi!",
  },
  {
    what: "trailers whose lines end by line feeds alone",
    wire: chunked("2\r\nhi\r\n0\r\na: b\n\n"),
    body: "hi",
  },
  {
    what: "trailers that go on in further lines",
    wire: chunked("2\r\nhi\r\n0\r\nA : b\r\n c\r\n\r\n"),
    body: "hi",
  },
  {
    what: "headers that go on in further lines",
    wire:
      "HTTP/1.1 200 OK\r\nContent-Type: a/b;\r\n\tc=d; \r\n  e=f\r\nContent-Length:\r\n 2\r\n\r\nhi",
    headers: { "content-type": "a/b; c=d; e=f", "content-length": "2" },
    body: "hi",
  },
  {
    what: "white space before colons",
    wire: "HTTP/1.1 200 OK\r\nContent-Type : a/b\r\nContent-Length\t: 2\r\n\r\nhi",
    headers: { "content-type": "a/b", "content-length": "2" },
    body: "hi",
  },
  {
    what: "a name of several words, which all clients read",
    wire: "HTTP/1.1 200 OK\r\nPHP Warning:  a\r\nContent-Length: 2\r\n\r\nhi",
    headers: { "php warning": "a", "content-length": "2" },
    body: "hi",
  },
  {
    what: "bytes at the ends of a value that are spaces in other character sets",
    wire: "HTTP/1.1 200 OK\r\nA: \xa0b\xc3\xa0\r\nContent-Length: 0\r\n\r\n",
    headers: { "a": "\xa0b\xc3\xa0", "content-length": "0" },
    body: "",
  },
  {
    what: "several cookies, whose commas do not part them",
    wire: "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Thu, 01 Jan 2026\r\nset-cookie: b=2\r\n" +
      "Content-Length: 0\r\n\r\n",
    headers: { "set-cookie": "a=1; Expires=Thu, 01 Jan 2026\nb=2", "content-length": "0" },
    body: "",
  },
  {
    what: "several lines of headers that have one value, of which the first counts",
    wire:
      "HTTP/1.1 307 X\r\nLocation: /a\r\nContent-Type: a/b\r\nRetry-After: 1\r\nlocation: /b\r\n" +
      "content-type: a/b\r\nretry-after: 2\r\nContent-Length: 0\r\n\r\n",
    headers: { location: "/a", "content-type": "a/b", "retry-after": "1", "content-length": "0" },
    status: 307,
    body: "",
  },
  {
    what: "empty lines before its status line",
    wire: "\r\n\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    body: "hi",
  },
  {
    what: "empty lines between it and the one before",
    wire: "HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    body: "hi",
  },
  {
    what: "a length with leading zeros",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 00000000000000000002, 2\r\n\r\nhi",
    body: "hi",
  },
  {
    what: "a transfer encoding that is none",
    wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi",
    body: "hi",
    keepsConnection: false,
  },
  {
    what: "no chunk but the last",
    wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    body: "",
  },
  {
    what: "chunks in spite of a length",
    wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n" +
      "2\r\nhi\r\n0\r\n\r\n",
    body: "hi",
    keepsConnection: false,
  },
  {
    what: "no body, as the request was a HEAD",
    method: "HEAD",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
    body: "",
    keepsConnection: false,
  },
  ...[204, 304].map((status) => ({
    what: `no body, as the status is ${status}`,
    wire: `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`,
    status,
    body: "",
  })),
  ...["Content-Length: 99", "Transfer-Encoding: chunked"].map((header) => ({
    what: `no body, as the status is 204, in spite of '${header}'`,
    wire: `HTTP/1.1 204 No\r\n${header}\r\n\r\n`,
    status: 204,
    body: "",
    keepsConnection: false,
  })),
  {
    what: "chunks in an older version, which knows none",
    wire: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n" +
      "2\r\nhi\r\n0\r\n\r\n",
    body: "hi",
    keepsConnection: false,
  },
  {
    what: "other responses before the final one",
    wire:
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\nContent-Length: 9\r\n\r\n" +
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    headers: { "content-length": "2" },
    body: "hi",
  },
  {
    what: "an end of the connection that is announced",
    wire: "HTTP/1.1 200 OK\r\nConnection: foo , Close\r\nContent-Length: 2\r\n\r\nhi",
    body: "hi",
    keepsConnection: false,
  },
  {
    what: "an older version",
    wire: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    body: "hi",
    keepsConnection: false,
  },
  {
    what: "an older version that keeps the connection",
    wire: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi",
    body: "hi",
    keepsConnection: true,
  },
  {
    what: "bytes that do not belong to it",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi?",
    body: "hi",
    keepsConnection: false,
  },
  {
    what: "as much as it may",
    wire: `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${"x".repeat(100)}`,
    body: "x".repeat(100),
  },
];

for (const { what, method, wire, status = 200, body, headers, keepsConnection } of RESPONSES) {
  Deno.test(`ResponseReader reads a response with ${what}`, () => {
    const responseReader = reader(method);
    const response = responseReader.take(bytesOf(wire));
    assertEquals(plain(response), { status, body });
    assertEquals(responseReader.keepMs > 0, keepsConnection ?? true);
    if (headers !== undefined) assertEquals(response?.headers, new Map(Object.entries(headers)));
  });

  Deno.test(`ResponseReader reads it in whatever pieces it comes: a response with ${what}`, () => {
    const random = seededRandom(1);
    const expected = plain(reader(method).take(bytesOf(wire)));
    const cuts = [() => 1, () => 1 + Math.floor(3 * random()), () => 1 + Math.floor(30 * random())];
    for (const cut of [...cuts, ...Array(100).fill(cuts[2])]) {
      assertEquals(plain(readInPieces(wire, { method, cut })), expected);
    }
  });
}

Deno.test("ResponseReader reads a head of 60 KiB, and one of 1,000 headers", () => {
  const wire = `HTTP/1.1 103 Early\r\n${"a: b\r\n".repeat(1000)}\r\n` +
    `HTTP/1.1 200 OK\r\nA: ${"x".repeat(60 * 1024)}\r\nContent-Length: 2\r\n\r\nhi`;
  assertEquals(plain(readInPieces(wire, { cut: () => 1000 })), { status: 200, body: "hi" });
});

Deno.test("ResponseReader takes a body until the connection is closed", () => {
  const response = reader();
  assertEquals(response.take(bytesOf("HTTP/1.1 200 OK\r\n\r\nhel")), null);
  assertEquals(response.take(bytesOf("lo")), null);
  assertEquals(plain(response.end()), { status: 200, body: "hello" });
  assertEquals(response.keepMs, 0);
});

const TOO_LARGE: readonly { readonly what: string; readonly wire: string }[] = [
  { what: "by its length", wire: "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" },
  {
    what: "by a length beyond all numbers",
    wire: `HTTP/1.1 200 OK\r\nContent-Length: ${"9".repeat(400)}\r\n\r\n`,
  },
  { what: "without a length", wire: `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(101)}` },
  {
    what: "in chunks",
    wire: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"32\r\n" + "x".repeat(50)}\r\n` +
      `33\r\n${"x".repeat(51)}`,
  },
];

for (const { what, wire } of TOO_LARGE) {
  Deno.test(`ResponseReader says at once when a body is too large ${what}`, () => {
    const response = reader();
    assertEquals(plain(response.take(bytesOf(wire))), {
      status: 200,
      defect: "response larger than maxResponseBytes (100 bytes)",
    });
    assertEquals(response.keepMs, 0);
  });
}

Deno.test("ResponseReader lets an encoded body be a little longer than what it stands for may be", () => {
  const wire = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 101\r\n\r\n`;
  const response = reader().take(bytesOf(wire + "x".repeat(101)));
  assertEquals(response?.body?.length, 101);
});

interface Invalid {
  readonly what: string;
  readonly wire: string;
  /** Null when it cannot be read. */
  readonly status?: number | null;
  readonly reason: string;
}

const NO_STATUS_LINE = { status: null, reason: "there is no status line" };
const NO_LINE_END = "a line between its chunks does not end with CR LF";
const NO_SIZE = "a chunk has an invalid size";

const INVALID: readonly Invalid[] = [
  { what: "another protocol", wire: "SSH-2.0-OpenSSH_9.6\r\n", ...NO_STATUS_LINE },
  { what: "another protocol that has no lines", wire: "\0\0\x12\x04\0\0", ...NO_STATUS_LINE },
  { what: "another version", wire: "HTTP/2 200 OK\r\n\r\n", ...NO_STATUS_LINE },
  { what: "no status", wire: "HTTP/1.1 OK\r\n\r\n", ...NO_STATUS_LINE },
  { what: "a status of two digits", wire: "HTTP/1.1 20 OK\r\n\r\n", ...NO_STATUS_LINE },
  { what: "a status of four digits", wire: "HTTP/1.1 2000 OK\r\n\r\n", ...NO_STATUS_LINE },
  { what: "no space before its status", wire: "HTTP/1.1200 OK\r\n\r\n", ...NO_STATUS_LINE },
  { what: "a status with letters", wire: "HTTP/1.1 200OK\r\n\r\n", ...NO_STATUS_LINE },
  { what: "a status below 100", wire: "HTTP/1.1 099 OK\r\n\r\n", ...NO_STATUS_LINE },
  {
    what: "another protocol from here on",
    wire: "HTTP/1.1 101 Switching\r\n\r\n",
    status: 101,
    reason: "status 101, but eventor requested no protocol upgrade",
  },
  ...[
    ...["\0", "\r"].map((character) => [
      `${JSON.stringify(character)} in its status line`,
      `200 O${character}K\r\n\r\n`,
      "its status line holds a NUL or a carriage return",
    ]),
    ["a header without a colon", "200 OK\r\nabc\r\n\r\n", "a line is not a header"],
    ["a header without a name", "200 OK\r\n: abc\r\n\r\n", "a line is not a header"],
    ...["a@b", "a(b)", "a\tb", "m\xc3\xbc"].map((name) => [
      `the name ${JSON.stringify(name)}, which Go and Node.js refuse`,
      `200 OK\r\n${name}: c\r\n\r\n`,
      "a line is not a header",
    ]),
    [
      "a line that goes on from nothing",
      "200 OK\r\n a: b\r\n\r\n",
      "its first header has no name",
    ],
    ["a NUL in a header", "200 OK\r\nA: b\0c\r\n\r\n", "a header holds a control character"],
    [
      "a carriage return in a header",
      "200 OK\r\nA: b\rc\r\n\r\n",
      "a header holds a control character",
    ],
    [
      "a carriage return too many",
      "200 OK\r\nA: b\r\r\n\r\n",
      "a header holds a control character",
    ],
    [
      "a control character before its transfer encoding",
      "200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
      "a header holds a control character",
    ],
    ...["5x", "-5", "+5", "5 5", "0x5", "", "1e3", "5,x", "5;"].map((length) => [
      `the length '${length}'`,
      `200 OK\r\nContent-Length: ${length}\r\n\r\nhello`,
      "its Content-Length is not a number",
    ]),
    [
      "two lengths",
      "200 OK\r\nContent-Length: 5, 6\r\n\r\n",
      "it has conflicting Content-Length values",
    ],
    [
      "two lengths in two lines",
      "200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      "it has conflicting Content-Length values",
    ],
    ...["gzip, chunked", "chunked, chunked", "chunked, gzip", "gzip", "chunked;q=1", "xchunked"]
      .map((coding) => [
        `the transfer encoding '${coding}'`,
        `200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
        "its transfer encoding is not 'chunked'",
      ]),
    ["an endless head", `200 OK\r\n${"a: b\r\n".repeat(20_000)}`, "its head is larger than 64 KiB"],
    ["an endless line in its head", `200 ${"x".repeat(70_000)}`, "its head is larger than 64 KiB"],
    [
      "no reason, and an endless head",
      `200\r\nA: ${"x".repeat(70_000)}`,
      "its head is larger than 64 KiB",
    ],
    [
      "an endless head, and spaces",
      `   200${" ".repeat(70_000)}`,
      "its head is larger than 64 KiB",
    ],
  ].map(([what, wire, reason]) => ({ what: what!, wire: `HTTP/1.1 ${wire}`, reason: reason! })),
  ...[
    ["a chunk without a size", "\r\n", NO_SIZE],
    ["a chunk whose size is no number", "zz\r\n", NO_SIZE],
    ["a chunk whose size is below 0", "-1\r\n", NO_SIZE],
    ["a chunk whose size is written otherwise", "0x2\r\nhi\r\n0\r\n\r\n", NO_SIZE],
    ["a chunk whose size is beyond all numbers", `${"f".repeat(14)}\r\n`, NO_SIZE],
    ["a chunk whose size has white space before it", " 2\r\nhi\r\n0\r\n\r\n", NO_SIZE],
    ["a carriage return in a chunk's extension", "2;a\rb\r\nhi\r\n0\r\n\r\n", NO_SIZE],
    [
      "a chunk that is longer than its size",
      "2\r\nhiho\r\n0\r\n\r\n",
      "a chunk is longer than its size",
    ],
    [
      "a chunk that runs into its size",
      "3\r\nok\r\n0\r\n\r\n",
      NO_LINE_END,
    ],
    // Go and Node.js refuse it, too.
    ...["2\nhi\r\n0\r\n\r\n", "2\r\nhi\n0\r\n\r\n", "2\r\nhi\r\n0\n\r\n"].map((wire) => [
      `a line feed alone behind a chunk or its size, ${JSON.stringify(wire)}`,
      wire,
      NO_LINE_END,
    ]),
    ["a trailer that is no header", "0\r\nabc\r\n\r\n", "a line is not a header"],
    [
      "another response for a trailer",
      "2\r\nhi\r\n0\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "a line is not a header",
    ],
    ["a NUL in a trailer", "0\r\na: b\0\r\n\r\n", "a header holds a control character"],
    [
      "a chunk's extension of more than 4 KiB",
      `1;${"x".repeat(4100)}\r\n`,
      "a line with its chunks is longer than 4 KiB",
    ],
    [
      "a trailer of more than 4 KiB",
      `0\r\na: ${"x".repeat(4100)}\r\n\r\n`,
      "a line with its chunks is longer than 4 KiB",
    ],
    [
      "more than 64 KiB of extensions",
      `1;${"x".repeat(4000)}\r\nx\r\n`.repeat(20),
      "extensions of its chunks and trailers are larger than 64 KiB",
    ],
    [
      "more than 64 KiB of trailers",
      `0\r\n${`a: ${"x".repeat(4000)}\r\n`.repeat(20)}`,
      "extensions of its chunks and trailers are larger than 64 KiB",
    ],
  ].map(([what, wire, reason]) => ({ what: what!, wire: chunked(wire!), reason: reason! })),
];

for (const { what, wire, status = 200, reason } of INVALID) {
  Deno.test(`ResponseReader gives an answer that cannot be used, and says why, when it has ${what}`, () => {
    const expected = { status, defect: `invalid HTTP response: ${reason}` };
    const whole = reader();
    assertEquals(plain(whole.take(bytesOf(wire))), expected);
    assertEquals(whole.keepMs, 0);
    for (const cut of [Math.ceil(wire.length / 1000), 1000]) {
      assertEquals(plain(readInPieces(wire, { cut: () => cut })), expected);
    }
  });
}

Deno.test("ResponseReader knows an endpoint that speaks TLS by its alert", () => {
  assertEquals(plain(reader().take(bytesOf("\x15\x03\x01\0\x02\x02\x46"))), {
    status: null,
    defect: "invalid HTTP response: the endpoint speaks TLS: write https://",
  });
});

Deno.test("ResponseReader takes no time for a head that is nothing but white space", () => {
  const spaces = " ".repeat(30_000);
  const wire =
    `HTTP/1.1 200 OK\r\nConnection: a${spaces}b\r\n${spaces}c\r\nContent-Length: 0\r\n\r\n`;
  const startedAt = performance.now();
  assertEquals(plain(reader().take(bytesOf(wire))), { status: 200, body: "" });
  assert(performance.now() - startedAt < 500);
});

const WITHOUT_HEAD = [
  "",
  "HTTP/1",
  "\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
];

for (const wire of WITHOUT_HEAD) {
  Deno.test(`ResponseReader knows no answer before there is a head: ${JSON.stringify(wire)}`, () => {
    const response = reader();
    if (wire !== "") assertEquals(response.take(bytesOf(wire)), null);
    assertEquals(response.breakOff("connection reset"), null);
    assertThrows(() => response.end(), CutOffResponseError);
  });
}

const CUT_OFF: readonly { readonly wire: string; readonly progress: string }[] = [
  { wire: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", progress: "2 of 3 bytes" },
  { wire: chunked(""), progress: "0 bytes" },
  { wire: chunked("5\r\nhi"), progress: "2 bytes" },
  { wire: chunked("2\r\nhi"), progress: "2 bytes" },
  { wire: chunked("2\r\nhi\r\n0\r\n"), progress: "2 bytes" },
  { wire: chunked("2\r\nhi\r\n0\r\na: b\r\n"), progress: "2 bytes" },
];

for (const { wire, progress } of CUT_OFF) {
  Deno.test(`ResponseReader takes no part for the whole: ${JSON.stringify(wire)}`, () => {
    const response = reader();
    assertEquals(response.take(bytesOf(wire)), null);
    const defect = `response cut off after ${progress}: connection`;
    assertEquals(plain(response.end()), { status: 200, defect: `${defect} closed` });
    assertEquals(plain(response.breakOff("connection reset")), {
      status: 200,
      defect: `${defect} reset`,
    });
    assertEquals(response.keepMs, 0);
  });
}

Deno.test("ResponseReader takes no part for the whole when a body without a length is reset", () => {
  const response = reader();
  assertEquals(response.take(bytesOf("HTTP/1.1 200 OK\r\n\r\nhi")), null);
  assertEquals(plain(response.breakOff("connection reset")), {
    status: 200,
    defect: "response cut off after 2 bytes: connection reset",
  });
});

Deno.test("ResponseReader is not misled by what other responses began with", () => {
  const heads = new HeadReader("POST");
  const read = (wire: string) =>
    plain(new ResponseReader(heads, MAX_BODY_BYTES).take(bytesOf(wire)));
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";

  const bodyOf = (wire: string) => read(wire)?.body;

  assertEquals(bodyOf(`${head}hi`), "hi");
  assertEquals(bodyOf(`${head}ho`), "ho");
  assertEquals(bodyOf("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhey"), "hey");
  assertEquals(bodyOf("HTTP/1.1 100 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), "x");
  assertEquals(read("HTTP/1.1 200 OK\r\n"), null);
  assertEquals(bodyOf(`${head}hi`), "hi");
  for (let time = 0; time < 2; time++) {
    assertEquals(read("HTTP/1.1 20 OK\r\n\r\n")?.status, null);
    assertEquals(
      read(head.replace("2\r", "x\r"))?.defect,
      "invalid HTTP response: its Content-Length is not a number",
    );
  }
  assertEquals(bodyOf(`${head}ha`), "ha");
});

function chunked(body: string): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
}

function reader(method = "POST"): ResponseReader {
  return new ResponseReader(new HeadReader(method), MAX_BODY_BYTES);
}

/** The response as far as it had come when it was complete. */
function readInPieces(
  wire: string,
  { method, cut }: { method?: string | undefined; cut: () => number },
): HttpResponse | null {
  const response = reader(method);
  for (let start = 0; start < wire.length;) {
    const end = start + cut();
    const read = response.take(bytesOf(wire.slice(start, end)));
    if (read !== null) return read;
    start = end;
  }
  return null;
}

interface PlainResponse {
  readonly status: number | null;
  readonly body?: string;
  readonly defect?: string;
}

function plain(response: HttpResponse | null): PlainResponse | null {
  if (response === null) return null;
  const { status } = response;
  return response.body === null
    ? { status, defect: response.defect }
    : { status, body: String.fromCharCode(...response.body) };
}

function bytesOf(wire: string): Bytes {
  return Uint8Array.from(wire, (character) => character.charCodeAt(0));
}
