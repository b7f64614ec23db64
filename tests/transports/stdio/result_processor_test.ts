import { assertEquals, assertRejects } from "@std/assert";
import type { OutboundRecord } from "../../../src/core/result_processor.ts";
import { StdoutResultProcessor } from "../../../src/transports/stdio/result_processor.ts";
import { everythingSettled } from "../../support/eventually.ts";
import { bytes } from "../../support/events.ts";

const TEXT = { type: "stdout", format: "text", when: ["onSuccess"] } as const;
const JSON_LINES = { type: "stdout", format: "json", when: ["onSuccess"] } as const;

const LINES: {
  what: string;
  config: typeof TEXT | typeof JSON_LINES;
  record: OutboundRecord;
  line: Uint8Array;
}[] = [
  {
    what: "the value, when the format is text",
    config: TEXT,
    record: { key: bytes("k"), value: bytes("v"), headers: [["h", bytes("1")]] },
    line: bytes("v\n"),
  },
  {
    what: "bytes as they are, when the format is text",
    config: TEXT,
    record: { key: null, value: Uint8Array.of(0xff, 0, 0x80), headers: [] },
    line: Uint8Array.of(0xff, 0, 0x80, 0x0a),
  },
  {
    what: "an empty line, when the format is text and the value is empty",
    config: TEXT,
    record: { key: null, value: bytes(""), headers: [] },
    line: bytes("\n"),
  },
  {
    what: "an empty line, when the format is text and the value is null",
    config: TEXT,
    record: { key: null, value: null, headers: [] },
    line: bytes("\n"),
  },
  {
    what: "key, value and headers, when the format is json",
    config: JSON_LINES,
    record: { key: null, value: bytes("a\nb"), headers: [["h", Uint8Array.of(0xff)]] },
    line: bytes('{"key":null,"value":"a\\nb","headers":[["h",{"base64":"/w=="}]]}\n'),
  },
];

for (const { what, config, record, line } of LINES) {
  Deno.test(`StdoutResultProcessor writes ${what}`, async () => {
    const output = new Output();
    await new StdoutResultProcessor(config, output.write).process(record);
    assertEquals(Uint8Array.from(output.written), line);
  });
}

Deno.test("StdoutResultProcessor says which line it wrote", async () => {
  const processor = new StdoutResultProcessor(TEXT, new Output().write);
  assertEquals(
    await Promise.all([processor.process(record("a")), processor.process(record("b"))]),
    ["stdout@0", "stdout@1"],
  );
});

Deno.test("StdoutResultProcessor.process() resolves when its whole line is written, not earlier", async () => {
  const output = new Output({ bytesAtATime: 1, isOpen: false });
  const processor = new StdoutResultProcessor(TEXT, output.write);
  let isStored = false;
  const stored = processor.process(record("ab")).then(() => isStored = true);

  for (const written of ["", "a", "ab"]) {
    await everythingSettled();
    assertEquals({ text: output.text, isStored }, { text: written, isStored: false });
    output.takeOne();
  }
  await stored;
  assertEquals(output.text, "ab\n");
});

Deno.test("StdoutResultProcessor writes nothing more behind a line it could not finish", async () => {
  const gone = new Deno.errors.BrokenPipe("gone");
  let writes = 0;
  const processor = new StdoutResultProcessor(TEXT, () => {
    writes++;
    return Promise.reject(gone);
  });

  await assertRejects(() => processor.process(record("a")), Deno.errors.BrokenPipe);
  await assertRejects(() => processor.process(record("b")), Deno.errors.BrokenPipe);
  assertEquals(writes, 1);
  await processor[Symbol.asyncDispose]();
});

function record(value: string): OutboundRecord {
  return { key: null, value: bytes(value), headers: [] };
}

/** Stands for the other end of standard output. */
class Output {
  readonly written: number[] = [];
  readonly #bytesAtATime: number;
  readonly #isOpen: boolean;
  #next = Promise.withResolvers<void>();

  constructor({ bytesAtATime = Infinity, isOpen = true } = {}) {
    this.#bytesAtATime = bytesAtATime;
    this.#isOpen = isOpen;
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.written));
  }

  readonly write = async (bytes: Uint8Array): Promise<number> => {
    if (!this.#isOpen) await this.#next.promise;
    const taken = bytes.subarray(0, this.#bytesAtATime);
    this.written.push(...taken);
    return taken.length;
  };

  /** Lets one write through, when it is not open. */
  takeOne(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
