import { assert, assertEquals } from "@std/assert";
import zlib from "node:zlib";
import type { Bytes } from "../../../src/core/event.ts";
import type { HttpResponse } from "../../../src/transports/http1/http_response.ts";
import {
  decodedResponse,
  maxEncodedLength,
} from "../../../src/transports/http1/content_encoding.ts";
import { compressZstd } from "../../../src/transports/kafka/records/compression/zstd.ts";
import { bytes } from "../../support/events.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const TEXT = "hello ".repeat(100);
const MAX_LENGTH = 1000;

/** The default takes seconds for what is large. */
const QUICK = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } };

const encoders = {
  gzip: (body: Bytes) => zlib.gzipSync(body),
  deflate: (body: Bytes) => zlib.deflateSync(body),
  br: (body: Bytes) => zlib.brotliCompressSync(body, QUICK),
  zstd: (body: Bytes) => compressZstd(body),
};
const NAMES = Object.keys(encoders) as (keyof typeof encoders)[];

const [GZIP, RAW_DEFLATE] = [zlib.gzipSync(bytes(TEXT)), zlib.deflateRawSync(bytes(TEXT))];

interface Encoded {
  readonly what: string;
  readonly encoding: string;
  readonly body: Uint8Array | Promise<Uint8Array>;
}

const ENCODED: readonly Encoded[] = [
  ...NAMES.map((name) => ({ what: "a coding", encoding: name, body: encoders[name](bytes(TEXT)) })),
  { what: "a coding in other letters, by its older name", encoding: "X-GZip", body: GZIP },
  { what: "deflate without its wrapper", encoding: "deflate", body: RAW_DEFLATE },
  {
    what: "several members",
    encoding: "gzip",
    body: concat(zlib.gzipSync(bytes(TEXT.slice(0, 50))), zlib.gzipSync(bytes(TEXT.slice(50)))),
  },
  { what: "zeros at its end", encoding: "gzip", body: concat(GZIP, new Uint8Array(30)) },
  { what: "two codings", encoding: "gzip, gzip", body: zlib.gzipSync(GZIP) },
  { what: "two others", encoding: "deflate,\tbr", body: zlib.brotliCompressSync(RAW_DEFLATE) },
  { what: "a coding and none", encoding: "utf-8, gzip, , identity", body: GZIP },
  { what: "text in a word that is not known, and in a coding", encoding: "own, gzip", body: GZIP },
];

for (const { what, encoding, body } of ENCODED) {
  Deno.test(`decodedResponse() decodes ${what}: '${encoding}'`, async () => {
    assertEquals(await outcome(await body, encoding), TEXT);
  });
}

/** What stands there although it is no coding, with any body. */
const NO_CODINGS = [
  ...["", "identity", "identity, identity", "Identity", ",", "none", "binary", "8bit", "null"],
  ...["UTF-8", "utf8", "iso-8859-1", "latin1", "windows-1252", "us-ascii", "Shift_JIS"],
  ...["charset=utf-8", 'charset="ISO-8859-1"', "Charset: utf-8", "7bit", "base64", "undefined"],
  ...["text/plain", "application/json", "text/html; charset=utf-8", "aws-chunked", "uncompressed"],
];

for (const encoding of NO_CODINGS) {
  Deno.test(`decodedResponse() leaves a body as it came with what is no coding: '${encoding}'`, async () => {
    for (const body of [bytes(TEXT), Uint8Array.of(0x4d, 0xfc, 0, 1)]) {
      assertEquals((await decodedResponse(responseOf(body, encoding), MAX_LENGTH)).body, body);
    }
  });
}

const UNKNOWN_WORDS = ["own", "amz-1.0", "json", "default", "UTF-8;", "*", '"identity"', "gz1p"];

for (const encoding of UNKNOWN_WORDS) {
  Deno.test(`decodedResponse() leaves text as it came with a word that is not known: '${encoding}'`, async () => {
    for (const text of [TEXT, "M\u00fcller\t\u20ac\r\n", '{"a": 1}']) {
      assertEquals(await outcome(bytes(text), encoding), text);
    }
  });
}

const UNKNOWN = "(response in a coding other than gzip, deflate, br and zstd: the endpoint " +
  "must honour Accept-Encoding)";

const BINARY: readonly (readonly [what: string, body: Uint8Array])[] = [
  ["gzip", GZIP],
  ["deflate", zlib.deflateSync(bytes("hello"))],
  ["deflate without its wrapper", zlib.deflateRawSync(bytes("hello"))],
  ["br", zlib.brotliCompressSync(bytes("hello"))],
  ["snappy", Uint8Array.of(5, 16, 104, 101, 108, 108, 111)],
  ["bytes that are no UTF-8", Uint8Array.of(0x68, 0x65, 0xff)],
];

for (const [what, body] of BINARY) {
  Deno.test(`decodedResponse() cannot use ${what} with a word that is not known`, async () => {
    for (const encoding of ["own", "default", "*", "gzip, own"]) {
      assertEquals(await outcome(body, encoding), UNKNOWN);
    }
  });
}

Deno.test("decodedResponse() leaves the header in place, and the status", async () => {
  const response = await decodedResponse(responseOf(GZIP, "gzip"), MAX_LENGTH);
  assertEquals([response.status, response.headers.get("content-encoding")], [200, "gzip"]);
});

const OTHER_CODINGS = [
  ...["compress", "x-compress", "lzma", "xz", "bzip2", "x-bzip2", "lz4", "snappy", "sdch", "zlib"],
  ...["exi", "dcb", "dcz", "pack200-gzip", "aes128gcm", "x-snappy-framed", "deflate64", "brotli"],
  ...["application/gzip", "application/x-xz", "gzip;q=1.0", '"gzip"', "gzip gzip", "x-deflate"],
  ...["compress, gzip", "gzip, compress", "utf-8, lz4"],
];

for (const encoding of OTHER_CODINGS) {
  Deno.test(`decodedResponse() cannot use a body in a coding that it does not decode: '${encoding}'`, async () => {
    for (const body of [GZIP, bytes(TEXT)]) assertEquals(await outcome(body, encoding), UNKNOWN);
  });
}

Deno.test("decodedResponse() cannot use a body in more codings than anybody needs", async () => {
  const encoding = Array(6).fill("gzip").join();
  assertEquals(await outcome(GZIP, encoding), "(response with more than five content codings)");
});

const LONG_HEADERS: readonly (readonly [what: string, encoding: string, outcome: string])[] = [
  ["spaces", `charset=${" ".repeat(60_000)}x"y`, TEXT],
  ["words", Array(32_000).fill("a").join(), "(response with more than five content codings)"],
];

for (const [what, encoding, expected] of LONG_HEADERS) {
  Deno.test(`decodedResponse() takes no time for a header of many ${what}`, async () => {
    const startedMs = performance.now();
    assertEquals(await outcome(bytes(TEXT), encoding), expected);
    assert(performance.now() - startedMs < 500);
  });
}

/** Texts that decoders do not know for damaged by themselves. */
const MISTAKEN: readonly (readonly [name: string, text: string])[] = [
  ...["u", ".", "}", "DnVw", "hello a 532857", "hello a 10286"].map((text) =>
    ["br", text] as const
  ),
  ...['k|pi"@Ix|.Y9+W2;|%V]LuGT]Q*[I*!)w^tr', '3/XtnOBC9o^q" {&`+swZ!AwCBRE']
    .map((text) => ["deflate", text] as const),
];

for (const [name, text] of MISTAKEN) {
  Deno.test(`decodedResponse() never takes plain text for ${name}: ${text}`, async () => {
    assertEquals(
      await outcome(bytes(text), name),
      `(response not encoded as its Content-Encoding says (${name}))`,
    );
  });
}

Deno.test("decodedResponse() cannot use br whose damage shows at its last byte, after nothing was decoded", async () => {
  const damaged = "Gz4A+I3UYs0Z7kSQt9Qvf3l7plWbIhSB0ulrSYRRaCJ5wBbmxHc2bWTOCj0IF6tXCQ9PDgE=";
  const body = Uint8Array.from(atob(damaged), (character) => character.charCodeAt(0));
  assertEquals(
    await outcome(body, "br"),
    "(response not encoded as its Content-Encoding says (br))",
  );
});

Deno.test("decodedResponse() decodes br of nothing, with windows of any size, flushed or not", async () => {
  const sizes = [10, 11, 15, 16, 17, 18, 22, 24];
  const whole = sizes.map((size) => {
    const params = { [zlib.constants.BROTLI_PARAM_LGWIN]: size };
    return zlib.brotliCompressSync(new Uint8Array(), { params });
  });
  const flushed = [[0x0c, 3], [0x6b, 0, 3], [0x21, 3, 3]].map((stream) => Uint8Array.from(stream));
  for (const body of [...whole, ...flushed]) {
    assertEquals(await outcome(body, "br"), "", `${body}`);
  }
});

for (const name of NAMES) {
  const mayBeTooLong = name === "zstd" ? ", or larger than maxResponseBytes" : "";
  const damage = `(response not encoded as its Content-Encoding says (${name})${mayBeTooLong})`;

  Deno.test(`decodedResponse() takes exactly as much as it may: ${name}`, async () => {
    const encoded = await encoders[name](new Uint8Array(MAX_LENGTH));
    assertEquals((await outcome(encoded, name)).length, MAX_LENGTH);
    const tooLong = name === "zstd"
      ? damage
      : `(response larger than maxResponseBytes (${MAX_LENGTH - 1} bytes))`;
    assertEquals(await outcome(encoded, name, MAX_LENGTH - 1), tooLong);
  });

  Deno.test(`decodedResponse() cannot use a body that is damaged: ${name}`, async () => {
    const encoded = await encoders[name](bytes(TEXT));
    for (const damaged of [bytes(TEXT), encoded.slice(3)]) {
      assertEquals(await outcome(damaged, name), damage);
    }
  });

  Deno.test(`decodedResponse() takes no part of a body for the whole: ${name}`, async () => {
    const random = seededRandom(1);
    const noise = Uint8Array.from({ length: 900 }, () => 256 * random());
    for (const body of [bytes(TEXT), noise, bytes("x")]) {
      const encoded = new Uint8Array(await encoders[name](body));
      assertEquals((await decodedResponse(responseOf(encoded, name), MAX_LENGTH)).body, body);
      for (let length = 1; length < encoded.length; length++) {
        assertEquals(await outcome(encoded.slice(0, length), name), damage, `${length} bytes`);
      }
    }
  });

  Deno.test(`decodedResponse() leaves a body empty that is empty, encoded or not: ${name}`, async () => {
    for (const body of [new Uint8Array(), await encoders[name](new Uint8Array())]) {
      assertEquals(await outcome(body, name), "");
    }
  });

  Deno.test(`decodedResponse() needs little memory for a body that grows to much: ${name}`, async () => {
    const bomb = await encoders[name](new Uint8Array(100_000_000));
    await outcome(bomb, name);
    const before = Deno.memoryUsage().rss;
    const startedAt = performance.now();
    for (let time = 0; time < 10; time++) {
      assert((await outcome(bomb, name, 1_000_000)).includes("larger than maxResponseBytes"));
    }
    assert(performance.now() - startedAt < 5000, "it takes a long time");
    assert(Deno.memoryUsage().rss - before < 60_000_000, "it takes much memory");
  });
}

Deno.test("maxEncodedLength() suffices for what cannot be compressed", () => {
  for (const length of [0, 1, 1000, 1_000_000]) {
    const noise = new Uint8Array(length);
    for (let start = 0; start < length; start += 65_536) {
      crypto.getRandomValues(noise.subarray(start, start + 65_536));
    }
    assert(zlib.gzipSync(noise).length <= maxEncodedLength(length));
  }
});

/** The decoded text, or in brackets why there is none. */
async function outcome(
  body: Uint8Array,
  encoding: string,
  maxLength = MAX_LENGTH,
): Promise<string> {
  const response = await decodedResponse(responseOf(body, encoding), maxLength);
  return response.body === null ? `(${response.defect})` : new TextDecoder().decode(response.body);
}

function responseOf(body: Uint8Array, encoding: string): HttpResponse {
  const headers = new Map([["content-encoding", encoding]]);
  return { status: 200, headers, body: new Uint8Array(body) };
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  return new Uint8Array([...first, ...second]);
}
