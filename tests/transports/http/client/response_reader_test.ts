import { assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../../../src/core/event.ts";
import { HeadReader } from "../../../../src/transports/http/client/head_reader.ts";
import { InvalidResponseError } from "../../../../src/transports/http/client/response_head.ts";
import type { HttpResponse } from "../../../../src/transports/http/client/http_client.ts";
import {
  CutOffResponseError,
  ResponseReader,
} from "../../../../src/transports/http/client/response_reader.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

const MAX_BODY_BYTES = 100;

/** What comes over the wire, one character for each byte, and what it says. */
interface Case {
  readonly what: string;
  readonly method?: string;
  readonly wire: string;
  readonly status?: number;
  readonly body: string | null;
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
    what: "chunks whose lines end by line feeds alone",
    wire: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n0\n\n",
    body: "hi",
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
    assertEquals(responseReader.keepsConnection, keepsConnection ?? true);
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

Deno.test("ResponseReader takes a body until the connection is closed", () => {
  const response = reader();
  assertEquals(response.take(bytesOf("HTTP/1.1 200 OK\r\n\r\nhel")), null);
  assertEquals(response.take(bytesOf("lo")), null);
  assertEquals(plain(response.end()), { status: 200, body: "hello" });
  assertEquals(response.keepsConnection, false);
});

const TOO_LARGE: readonly { readonly what: string; readonly wire: string }[] = [
  { what: "by its length", wire: "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" },
  {
    what: "by a length beyond all numbers",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n",
  },
  { what: "without a length", wire: `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(101)}` },
  {
    what: "in chunks",
    wire: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"32\r\n" + "x".repeat(50)}\r\n` +
      `33\r\n${"x".repeat(51)}`,
  },
];

for (const { what, wire } of TOO_LARGE) {
  Deno.test(`ResponseReader says at once when a body is too large ${what}, and keeps nothing of it`, () => {
    const response = reader();
    assertEquals(plain(response.take(bytesOf(wire))), { status: 200, body: null });
    assertEquals(response.keepsConnection, false);
  });
}

Deno.test("ResponseReader lets an encoded body be a little longer than what it stands for may be", () => {
  const wire = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 101\r\n\r\n`;
  const response = reader().take(bytesOf(wire + "x".repeat(101)));
  assertEquals(response?.body?.length, 101);
});

const INVALID: readonly { readonly what: string; readonly wire: string }[] = [
  { what: "another protocol", wire: "SSH-2.0-OpenSSH_9.6\r\n\r\n" },
  { what: "another version", wire: "HTTP/2 200 OK\r\n\r\n" },
  { what: "no status", wire: "HTTP/1.1 OK\r\n\r\n" },
  { what: "a status of two digits", wire: "HTTP/1.1 20 OK\r\n\r\n" },
  { what: "a status of four digits", wire: "HTTP/1.1 2000 OK\r\n\r\n" },
  { what: "a status below 100", wire: "HTTP/1.1 099 OK\r\n\r\n" },
  { what: "another protocol from here on", wire: "HTTP/1.1 101 Switching\r\n\r\n" },
  { what: "a header without a colon", wire: "HTTP/1.1 200 OK\r\nabc\r\n\r\n" },
  { what: "a header without a name", wire: "HTTP/1.1 200 OK\r\n: abc\r\n\r\n" },
  { what: "a space before the colon", wire: "HTTP/1.1 200 OK\r\nA : b\r\n\r\n" },
  { what: "a header of two lines", wire: "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n" },
  { what: "a NUL in a header", wire: "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n" },
  { what: "a carriage return in a header", wire: "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n" },
  { what: "a length that is no number", wire: "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n" },
  { what: "a length below 0", wire: "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" },
  { what: "an empty length", wire: "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n" },
  { what: "two lengths", wire: "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n" },
  {
    what: "another transfer encoding",
    wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
  },
  { what: "a chunk without a size", wire: chunked("\r\n") },
  { what: "a chunk whose size is no number", wire: chunked("xyz\r\n") },
  { what: "a chunk whose size is below 0", wire: chunked("-1\r\n") },
  { what: "a chunk whose size is beyond all numbers", wire: chunked(`${"f".repeat(13)}\r\n`) },
  { what: "a chunk that is longer than its size", wire: chunked("2\r\nhiho\r\n0\r\n\r\n") },
  { what: "an endless line between chunks", wire: chunked(`1;${"x".repeat(20_000)}`) },
  { what: "endless trailers", wire: chunked(`0\r\n${`a: ${"x".repeat(5000)}\r\n`.repeat(20)}`) },
  { what: "an endless head", wire: `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(10_000)}` },
  { what: "an endless line in its head", wire: `HTTP/1.1 200 ${"x".repeat(40_000)}` },
];

for (const { what, wire } of INVALID) {
  Deno.test(`ResponseReader takes nothing for a response that has ${what}`, () => {
    assertThrows(() => reader().take(bytesOf(wire)), InvalidResponseError);
    assertThrows(() => readInPieces(wire, { cut: () => 1000 }), InvalidResponseError);
  });
}

const CUT_OFF: readonly { readonly wire: string; readonly hasHead: boolean }[] = [
  { wire: "", hasHead: false },
  { wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", hasHead: false },
  { wire: "HTTP/1.1 100 Continue\r\n\r\n", hasHead: false },
  { wire: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", hasHead: true },
  { wire: chunked(""), hasHead: true },
  { wire: chunked("5\r\nhi"), hasHead: true },
  { wire: chunked("2\r\nhi"), hasHead: true },
  { wire: chunked("2\r\nhi\r\n0\r\n"), hasHead: true },
  { wire: chunked("2\r\nhi\r\n0\r\na: b\r\n"), hasHead: true },
];

for (const { wire, hasHead } of CUT_OFF) {
  Deno.test(`ResponseReader takes no part for the whole: ${JSON.stringify(wire)}`, () => {
    const response = reader();
    if (wire !== "") assertEquals(response.take(bytesOf(wire)), null);
    const error = assertThrows(() => response.end(), CutOffResponseError);
    assertEquals(error.hasHead, hasHead);
  });
}

Deno.test("ResponseReader is not misled by what other responses began with", () => {
  const heads = new HeadReader("POST");
  const read = (wire: string) =>
    plain(new ResponseReader(heads, MAX_BODY_BYTES).take(bytesOf(wire)))?.body;
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";

  assertEquals(read(`${head}hi`), "hi");
  assertEquals(read(`${head}ho`), "ho");
  assertEquals(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhey"), "hey");
  assertEquals(read("HTTP/1.1 100 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), "x");
  assertEquals(read("HTTP/1.1 200 OK\r\n"), undefined);
  assertEquals(read(`${head}hi`), "hi");
  for (let time = 0; time < 2; time++) {
    assertThrows(() => read("HTTP/1.1 20 OK\r\n\r\n"), InvalidResponseError);
    assertThrows(() => read(head.replace("2\r", "x\r")), InvalidResponseError);
  }
  assertEquals(read(`${head}ha`), "ha");
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

function plain(response: HttpResponse | null) {
  if (response === null) return null;
  const { status, body } = response;
  return { status, body: body && String.fromCharCode(...body) };
}

function bytesOf(wire: string): Bytes {
  return Uint8Array.from(wire, (character) => character.charCodeAt(0));
}
