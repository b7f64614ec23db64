import { assertEquals } from "@std/assert";
import zlib from "node:zlib";
import type { Bytes } from "../../../../src/core/event.ts";
import type { Result } from "../../../../src/core/handler.ts";
import { octets } from "../../../../src/core/octets.ts";
import { CertificateAuthority } from "../../../support/tls/certificate_authority.ts";
import { anEvent } from "../../../support/events.ts";
import { openHandler } from "../../../support/http/handler.ts";
import {
  type RawConnection,
  type RawEndpoint,
  startRawEndpoint,
} from "../../../support/http/raw_endpoint.ts";
import { compressZstd } from "../../../../src/transports/kafka/records/compression/zstd.ts";

const NEVER = new AbortController().signal;

/** What an endpoint sends after `HTTP/1.1 `, one character for each byte, and what comes of it. */
interface Answer {
  readonly what: string;
  readonly wire: string;
  /** Then the connection is closed; else it stays open. */
  readonly closes?: boolean;
  /** `STATUS BODY` of a success, with the content type when there is one; `error STATUS REASON` of any other. */
  readonly expected: string;
}

const INVALID = "error 200 invalid HTTP response:";
const UNKNOWN_CODING =
  "error 200 response in a coding other than gzip, deflate, br and zstd: the " +
  "endpoint must honour Accept-Encoding";
const NO_STATUS = "error - invalid HTTP response: there is no status line";
const NO_LINE_END = `${INVALID} a line between its chunks does not end with CR LF`;
const NO_SIZE = `${INVALID} a chunk has an invalid size`;

const ok = octets("ok");
const GZIP = latin1(zlib.gzipSync(ok));
const DEFLATE = latin1(zlib.deflateSync(ok));

const ANSWERS: readonly Answer[] = [
  // What every client reads.
  {
    what: "a header that goes on in the next line",
    wire: "200 OK\r\nContent-Type: a/b;\r\n\tc=d\r\nContent-Length: 2\r\n\r\nok",
    expected: "200 ok (a/b; c=d)",
  },
  ...[
    ...["UTF-8", "none", "binary", "identity, identity", "", "charset=utf-8", "undefined", "null"],
    ...["base64", "7bit", "text/html", "amz-1.0", "json"],
  ].map((coding) => ({
    what: `the coding '${coding}', which is none`,
    wire: sized("ok", coding),
    expected: "200 ok",
  })),
  ...[
    ["gzip", "gzip", GZIP],
    ["gzip in other letters", "GZip", GZIP],
    ["x-gzip", "x-gzip", GZIP],
    ["gzip of two members", "gzip", latin1(zlib.gzipSync(octets("o")), zlib.gzipSync(octets("k")))],
    ["gzip with zeros behind it", "gzip", `${GZIP}\0\0\0\0`],
    ["gzip twice", "gzip, gzip", latin1(zlib.gzipSync(octets(GZIP)))],
    ["deflate", "deflate", DEFLATE],
    ["deflate without its wrapper", "deflate", latin1(zlib.deflateRawSync(ok))],
    ["br", "br", latin1(zlib.brotliCompressSync(ok))],
    ["zstd", "zstd", latin1(await compressZstd(ok))],
  ].map(([what, coding, body]) => ({
    what: `a body in ${what}`,
    wire: sized(body!, coding),
    expected: "200 ok",
  })),
  {
    what: "gzip twice in two lines",
    wire: sized(latin1(zlib.gzipSync(octets(GZIP))), "gzip\r\nContent-Encoding: gzip"),
    expected: "200 ok",
  },
  { what: "a coding of nothing", wire: sized("", "gzip"), expected: "200 " },
  { what: "a coding of no chunk", wire: chunked("0\r\n\r\n", "gzip"), expected: "200 " },
  ...[" 200 OK", "\t200\tOK", "200", "200  ", "200 \x1b[1mOK"].map((rest) => ({
    what: `the status line ${JSON.stringify(rest)}`,
    wire: `${rest}\r\nContent-Length: 2\r\n\r\nok`,
    expected: "200 ok",
  })),
  {
    what: "a header's name of several words",
    wire: "200 OK\r\nPHP Warning:  a\r\nContent-Length: 2\r\n\r\nok",
    expected: "200 ok",
  },
  {
    what: "trailers",
    wire: chunked("2\r\nok\r\n0\r\na: b\r\n c\r\n\r\n"),
    expected: "200 ok",
  },
  {
    what: "white space before a colon",
    wire: "200 OK\r\nContent-Length : 2\r\n\r\nok",
    expected: "200 ok",
  },
  { what: "a length twice", wire: "200 OK\r\nContent-Length: 2, 2\r\n\r\nok", expected: "200 ok" },
  {
    what: "a chunk size with zeros",
    wire: chunked("0000000000000002\r\nok\r\n0\r\n\r\n"),
    expected: "200 ok",
  },
  {
    what: "a chunk's extension of 4,000 bytes",
    wire: chunked(`2;${"x".repeat(4000)}\r\nok\r\n0\r\n\r\n`),
    expected: "200 ok",
  },
  {
    what: "a head of 40 KiB",
    wire: `200 OK\r\nA: ${"x".repeat(40 * 1024)}\r\nContent-Length: 2\r\n\r\nok`,
    expected: "200 ok",
  },
  {
    what: "150 headers",
    wire: `200 OK\r\n${"A: b\r\n".repeat(150)}Content-Length: 2\r\n\r\nok`,
    expected: "200 ok",
  },
  {
    what: "other answers before it",
    wire: "103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    expected: "200 ok",
  },
  { what: "no length", wire: "200 OK\r\n\r\nok", closes: true, expected: "200 ok" },
  {
    what: "both a length and chunks",
    wire: "200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    expected: "200 ok",
  },
  {
    what: "lines that end by line feeds alone",
    wire: "200 OK\nContent-Length: 2\n\nok",
    expected: "200 ok",
  },
  {
    what: "bytes beyond ASCII",
    wire: "200 \xff\r\nA: \xff\r\nContent-Length: 2\r\n\r\nok",
    expected: "200 ok",
  },
  // What has come, and cannot be used.
  {
    what: "gzip that is cut off",
    wire: sized(GZIP.slice(0, -3), "gzip"),
    expected: "error 200 response not encoded as its Content-Encoding says (gzip)",
  },
  {
    what: "no gzip, in spite of its header",
    wire: sized("ok", "gzip"),
    expected: "error 200 response not encoded as its Content-Encoding says (gzip)",
  },
  {
    what: "no br, in spite of its header",
    wire: sized("hello a 532857", "br"),
    expected: "error 200 response not encoded as its Content-Encoding says (br)",
  },
  ...["compress", "xz", "lz4", "snappy", "dcb", "application/gzip", '"gzip"'].map((coding) => ({
    what: `the coding '${coding}', which is not decoded`,
    wire: sized("ok", coding),
    expected: UNKNOWN_CODING,
  })),
  {
    what: "a coding that is not known, and a body that may be encoded",
    wire: sized(GZIP, "own"),
    expected: UNKNOWN_CODING,
  },
  {
    what: "two lengths",
    wire: "200 OK\r\nContent-Length: 5, 6\r\n\r\nok",
    expected: `${INVALID} it has conflicting Content-Length values`,
  },
  ...["", "+2", "-2", "2 0", "0x2", "two"].map((length) => ({
    what: `the length '${length}'`,
    wire: `200 OK\r\nContent-Length: ${length}\r\n\r\nok`,
    expected: `${INVALID} its Content-Length is not a number`,
  })),
  { what: "the chunk size 'zz'", wire: chunked("zz\r\nok\r\n0\r\n\r\n"), expected: NO_SIZE },
  {
    what: "a chunk size beyond all numbers",
    wire: chunked("fffffffffffffffff\r\nok\r\n0\r\n\r\n"),
    expected: NO_SIZE,
  },
  {
    what: "a chunk that runs into its size",
    wire: chunked("3\r\nok\r\n0\r\n\r\n"),
    expected: NO_LINE_END,
  },
  ...["2\nok\r\n0\r\n\r\n", "2\r\nok\n0\r\n\r\n", "2\r\nok\r\n0\n\n"].map((chunks) => ({
    what: `a line feed alone between chunks: ${JSON.stringify(chunks)}`,
    wire: chunked(chunks),
    expected: NO_LINE_END,
  })),
  {
    what: "a trailer that is no header",
    wire: chunked("2\r\nok\r\n0\r\nabc\r\n\r\n"),
    expected: `${INVALID} a line is not a header`,
  },
  {
    what: "a chunk's extension of 5,000 bytes",
    wire: chunked(`2;${"x".repeat(5000)}\r\nok\r\n0\r\n\r\n`),
    expected: `${INVALID} a line with its chunks is longer than 4 KiB`,
  },
  {
    what: "a control character before its transfer encoding",
    wire: "200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    expected: `${INVALID} a header holds a control character`,
  },
  ...["gzip, chunked", "chunked, chunked", "gzip"].map((coding) => ({
    what: `the transfer encoding '${coding}'`,
    wire: `200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    expected: `${INVALID} its transfer encoding is not 'chunked'`,
  })),
  ...["\0", "\r"].map((character) => ({
    what: `a control character in a header: ${JSON.stringify(character)}`,
    wire: `200 OK\r\nA: b${character}c\r\nContent-Length: 2\r\n\r\nok`,
    expected: `${INVALID} a header holds a control character`,
  })),
  ...["a@b: c", "a(b): c", ": c"].map((line) => ({
    what: `the line '${line}' for a header`,
    wire: `200 OK\r\n${line}\r\nContent-Length: 2\r\n\r\nok`,
    expected: `${INVALID} a line is not a header`,
  })),
  {
    what: "a line that is no header",
    wire: "503 No\r\nabc\r\n\r\n",
    expected: "error 503 invalid HTTP response: a line is not a header",
  },
  {
    what: "an endless head",
    wire: `200 OK\r\nA: ${"x".repeat(70_000)}`,
    expected: `${INVALID} its head is larger than 64 KiB`,
  },
  { what: "no status", wire: "OK\r\n\r\n", expected: NO_STATUS },
  {
    what: "another protocol from here on",
    wire: "101 Switching Protocols\r\nUpgrade: a\r\n\r\n",
    expected:
      "error 101 invalid HTTP response: status 101, but eventor requested no protocol upgrade",
  },
  {
    what: "a body that is closed too soon",
    wire: "200 OK\r\nContent-Length: 10\r\n\r\nfive.",
    closes: true,
    expected: "error 200 response cut off after 5 of 10 bytes: connection closed",
  },
  {
    what: "a chunk that is closed too soon",
    wire: chunked("ff\r\nfive."),
    closes: true,
    expected: "error 200 response cut off after 5 bytes: connection closed",
  },
  {
    what: "no last chunk",
    wire: chunked("2\r\nok\r\n"),
    closes: true,
    expected: "error 200 response cut off after 2 bytes: connection closed",
  },
  {
    what: "a body that does not come in time",
    wire: "502 No\r\nContent-Length: 10\r\n\r\nfive.",
    expected: "error 502 response cut off after 5 of 10 bytes: the timeout was over",
  },
  {
    what: "chunks that do not come in time",
    wire: chunked("2\r\nok\r\n"),
    expected: "error 200 response cut off after 2 bytes: the timeout was over",
  },
  {
    what: "a body that is too large",
    wire: "200 OK\r\nContent-Length: 1000000\r\n\r\n",
    expected: "error 200 response larger than maxResponseBytes (921600 bytes)",
  },
];

/** The sizes of the events, and the schemes. */
const CALLS = [
  { scheme: "http", size: 1 },
  { scheme: "http", size: 70_000 },
  { scheme: "https", size: 1 },
  { scheme: "https", size: 70_000 },
] as const;

for (const { what, wire, closes = false, expected } of ANSWERS) {
  Deno.test(`HttpHandler takes an answer with ${what} for what it is`, async (t) => {
    for (const { scheme, size } of CALLS) {
      await t.step(`${scheme}, an event of ${size} bytes`, async () => {
        const answer = octets(`HTTP/1.1 ${wire}`);
        // What has to wait for the end of its time is not to wait for long.
        const keys = expected.endsWith("the timeout was over") ? { timeout: "300ms" } : {};
        assertEquals(await outcomeOf(answer, { scheme, size, closes, keys }), expected);
      });
    }
  });
}

Deno.test("HttpHandler takes another protocol for an answer at once, though the endpoint waits", async () => {
  for (
    const [answer, reason] of [
      ["SSH-2.0-OpenSSH_9.6\r\n", "there is no status line"],
      ["220 mail ESMTP\r\n", "there is no status line"],
      ["\x15\x03\x03\0\x02\x02\x46", "the endpoint speaks TLS: write https://"],
    ] as const
  ) {
    const outcome = await outcomeOf(octets(answer), { scheme: "http", size: 1, closes: false });
    assertEquals(outcome, `error - invalid HTTP response: ${reason}`);
  }
});

Deno.test("HttpHandler works again, after an answer that cannot be used", async () => {
  let calls = 0;
  await using endpoint = startRawEndpoint(async (connection) => {
    while (await connection.readRequest() !== null) {
      await (calls++ === 0
        ? connection.write("HTTP/1.1 200 OK\r\na\r\n\r\n")
        : connection.respond("ok"));
    }
  });
  await using handler = openHandler(`http://${endpoint.host}/`);

  const results = [await handler.handle(anEvent(), NEVER), await handler.handle(anEvent(), NEVER)];

  assertEquals(results.map(({ when }) => when), ["onError", "onSuccess"]);
  assertEquals(endpoint.acceptedConnections, 2);
});

interface Calling {
  readonly scheme: "http" | "https";
  readonly size: number;
  readonly closes: boolean;
  readonly keys?: Record<string, string>;
}

/** What comes of one call for an event of `size` bytes. */
async function outcomeOf(answer: Bytes, { scheme, size, closes, keys }: Calling): Promise<string> {
  const authority = scheme === "https" ? new CertificateAuthority() : undefined;
  await using endpoint = startAnswering(answer, { authority, closes });
  const url = `${scheme}://${endpoint.host.replace("127.0.0.1", "localhost")}/`;
  const tls = authority === undefined ? {} : { tls: { ca: authority.cert } };
  await using handler = openHandler(url, { ...tls, ...keys });
  const result = await handler.handle(anEvent({ value: new Uint8Array(size) }), NEVER);
  assertEquals(endpoint.requests.map(({ body }) => body.length), [size]);
  return text(result);
}

function startAnswering(
  answer: Bytes,
  { authority, closes }: { authority: CertificateAuthority | undefined; closes: boolean },
): RawEndpoint {
  const serve = async (connection: RawConnection) => {
    await connection.readRequest();
    await connection.write(answer);
    if (!closes) await connection.closed();
  };
  return startRawEndpoint(serve, authority && { tls: authority.serverCertificate() });
}

function text({ when, value, headers }: Result): string {
  const find = (wanted: string) => headers.find(([name]) => name === wanted)?.[1];
  const [status, type, error] = ["eventor-status", "content-type", "eventor-error"]
    .map((name) => find(name) && latin1(find(name)!));
  if (when === "onError") return `error ${status ?? "-"} ${error}`;
  return `${status} ${latin1(value)}${type === undefined ? "" : ` (${type})`}`;
}

function sized(body: string, coding: string | undefined): string {
  return `200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function chunked(chunks: string, coding?: string): string {
  const header = coding === undefined ? "" : `Content-Encoding: ${coding}\r\n`;
  return `200 OK\r\n${header}Transfer-Encoding: chunked\r\n\r\n${chunks}`;
}

function latin1(...parts: readonly Uint8Array[]): string {
  return parts.map((part) => String.fromCharCode(...part)).join("");
}
