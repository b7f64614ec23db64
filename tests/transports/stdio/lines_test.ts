import { assertEquals, assertRejects } from "@std/assert";
import type { Bytes } from "../../../src/core/event.ts";
import { readLines } from "../../../src/transports/stdio/lines.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { bytes } from "../../support/events.ts";

const STREAMS: { what: string; chunks: string[]; lines: string[] }[] = [
  { what: "nothing from an empty stream", chunks: [], lines: [] },
  { what: "nothing from an empty chunk", chunks: [""], lines: [] },
  { what: "lines without their newline", chunks: ["a\nb\n"], lines: ["a", "b"] },
  { what: "a last line without a newline", chunks: ["a\nb"], lines: ["a", "b"] },
  { what: "empty lines", chunks: ["\n\na\n\n"], lines: ["", "", "a", ""] },
  { what: "a line from several chunks", chunks: ["a", "b", "", "c\nd"], lines: ["abc", "d"] },
  { what: "lines that end where a chunk does", chunks: ["a\n", "b", "\n"], lines: ["a", "b"] },
  { what: "carriage returns as part of a line", chunks: ["a\r\nb\r"], lines: ["a\r", "b\r"] },
];

for (const { what, chunks, lines } of STREAMS) {
  Deno.test(`readLines() yields ${what}`, async () => {
    const found = await Array.fromAsync(readLines(ReadableStream.from(chunks.map(bytes))));
    assertEquals(found.map((line) => new TextDecoder().decode(line)), lines);
  });
}

Deno.test("readLines() yields every line byte for byte, wherever chunks begin and end", async () => {
  const random = seededRandom(1);
  for (let round = 0; round < 200; round++) {
    const stream = Uint8Array.from({ length: 300 }, () => Math.floor(random() * 256) & 0x8f);
    const found = await Array.fromAsync(readLines(ReadableStream.from(cut(stream, random))));
    const rejoined = found.flatMap((line) => [...line, 0x0a]);
    const complete = stream.at(-1) === 0x0a ? [...stream] : [...stream, 0x0a];
    assertEquals(rejoined, complete, `round ${round}`);
  }
});

Deno.test("readLines() yields lines that stay as they are, when the stream uses its memory again", async () => {
  const memory = new Uint8Array(4);
  async function* stream(): AsyncGenerator<Bytes> {
    for (const text of ["a\nb", "c\nd", "e\nf"]) {
      memory.set(bytes(text));
      yield memory.subarray(0, text.length);
    }
  }
  const found = await Array.fromAsync(readLines(ReadableStream.from(stream())));
  assertEquals(found.map((line) => new TextDecoder().decode(line)), ["a", "bc", "de", "f"]);
});

Deno.test("readLines() cancels the stream, when its reader wants no more", async () => {
  let isCancelled = false;
  const stream = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(bytes("a\n")),
    cancel() {
      isCancelled = true;
    },
  });
  for await (const _ of readLines(stream)) break;
  assertEquals(isCancelled, true);
});

function* cut(stream: Bytes, random: () => number): Generator<Bytes> {
  for (let start = 0; start < stream.length;) {
    const end = start + Math.floor(random() * 20);
    yield stream.slice(start, end);
    start = end;
  }
}

Deno.test("readLines() ends at a line that is too long, and reads no more than it has to", async (t) => {
  const streams: { what: string; chunks: string[]; lines: string[] }[] = [
    { what: "in one chunk", chunks: ["abc\nabcd\ne\n"], lines: ["abc"] },
    { what: "in several", chunks: ["abc\n", "ab", "c", "d", "\ne\n"], lines: ["abc"] },
    { what: "without an end", chunks: ["ab", "cd"], lines: [] },
  ];
  for (const { what, chunks, lines } of streams) {
    await t.step(what, async () => {
      const found: string[] = [];
      let pulled = 0;
      async function* stream(): AsyncGenerator<Bytes> {
        for (const chunk of chunks) {
          pulled++;
          yield bytes(chunk);
        }
        throw new Error("it was read on");
      }
      await assertRejects(async () => {
        for await (const line of readLines(ReadableStream.from(stream()), 3)) {
          found.push(new TextDecoder().decode(line));
        }
      }, SyntaxError);
      assertEquals(found, lines);
      assertEquals(pulled <= 5, true);
    });
  }
});
