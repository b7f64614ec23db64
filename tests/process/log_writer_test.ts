import { assertEquals } from "@std/assert";
import type { LogFormat, LogRecord } from "../../src/core/log.ts";
import { LogWriter } from "../../src/process/log_writer.ts";
import { eventually, everythingSettled } from "../support/eventually.ts";

const TEXT_DECODER = new TextDecoder();

/** A local time, so that the test says the same in every time zone. */
const RECORD: LogRecord = {
  timestampMs: new Date(2022, 4, 16, 15, 42, 12, 345).getTime(),
  level: "DEBUG",
  pipeline: "my pipeline",
  message: "handling message: MY_FIRST_TOPIC[0]@184",
};

Deno.test("LogWriter writes the original's lines in local time, when the format is text", async () => {
  assertEquals(
    await written("text", RECORD),
    "2022/05/16 15:42:12 DEBUG - handling message: MY_FIRST_TOPIC[0]@184\n",
  );
  assertEquals(
    await written("text", {
      timestampMs: new Date(2022, 0, 2, 3, 4, 5).getTime(),
      level: "ERROR",
      message: "one-digit numbers",
    }),
    "2022/01/02 03:04:05 ERROR - one-digit numbers\n",
  );
});

Deno.test("LogWriter writes one object a line with the time in UTC, when the format is json", async () => {
  const timestampMs = Date.UTC(2022, 4, 16, 15, 42, 12, 345);
  assertEquals(
    await written("json", { ...RECORD, timestampMs }),
    '{"time":"2022-05-16T15:42:12.345Z","level":"DEBUG","pipeline":"my pipeline",' +
      '"message":"handling message: MY_FIRST_TOPIC[0]@184"}\n',
  );
  assertEquals(
    await written("json", { timestampMs, level: "INFO", message: "of the whole process" }),
    '{"time":"2022-05-16T15:42:12.345Z","level":"INFO","message":"of the whole process"}\n',
  );
});

Deno.test("LogWriter cuts messages that are too long, and says by how much", async () => {
  const longest = "x".repeat(8192);
  for (const format of ["text", "json"] as const) {
    const whole = await written(format, { ...RECORD, message: longest });
    assertEquals(whole.includes(longest) && !whole.includes("..."), true);
    const cut = await written(format, { ...RECORD, message: `${longest}${"y".repeat(1_000_000)}` });
    assertEquals(cut.includes(`${longest}... (1000000 more characters)`), true);
    assertEquals(cut.length < 9000, true);
  }
});

const FORGERIES: { what: string; message: string; text: string }[] = [
  { what: "a newline", message: "a\nb", text: "a\\u{a}b" },
  { what: "a return", message: "a\r\nb", text: "a\\u{d}\\u{a}b" },
  { what: "an escape sequence", message: "a\u001b[2Kb", text: "a\\u{1b}[2Kb" },
  { what: "a one-byte escape sequence", message: "a\u009b2Kb", text: "a\\u{9b}2Kb" },
  { what: "a backspace", message: "a\bb\u007f", text: "a\\u{8}b\\u{7f}" },
  { what: "a NUL", message: "a\0b", text: "a\\u{0}b" },
  {
    what: "other line ends",
    message: "a\u0085b\u2028c\u2029d",
    text: "a\\u{85}b\\u{2028}c\\u{2029}d",
  },
];

for (const { what, message, text } of FORGERIES) {
  Deno.test(`LogWriter keeps a record to one line, when its message holds ${what}`, async () => {
    const textLine = await written("text", { ...RECORD, message });
    assertEquals(textLine, `2022/05/16 15:42:12 DEBUG - ${text}\n`);

    const jsonLine = await written("json", { ...RECORD, message });
    assertEquals([...jsonLine].filter((character) => character < " "), ["\n"]);
    assertEquals(JSON.parse(jsonLine).message, message);
  });
}

Deno.test("LogWriter leaves text that is no control character as it is", async () => {
  const message = "Größe 'ä' \\u000a 日本 🦕";
  assertEquals(
    await written("text", { ...RECORD, message }),
    `2022/05/16 15:42:12 DEBUG - ${message}\n`,
  );
});

Deno.test("LogWriter writes everything in order, when only a few bytes are taken at a time", async () => {
  const reader = new Reader({ bytesAtATime: 3 });
  const writer = new LogWriter("text", reader);
  for (const message of ["ä", "bc", "def"]) writer.log({ ...RECORD, message });
  await writer.flush(5000);
  assertEquals(reader.messages, ["ä", "bc", "def"]);
});

Deno.test("LogWriter goes on, when there was nothing to write for a while", async () => {
  const reader = new Reader();
  const writer = new LogWriter("text", reader);
  writer.log({ ...RECORD, message: "1" });
  await writer.flush(5000);
  writer.log({ ...RECORD, message: "2" });
  await writer.flush(5000);
  assertEquals(reader.messages, ["1", "2"]);
});

Deno.test("LogWriter.log() returns at once, and drops and counts what is too much, when nobody reads", async () => {
  const reader = new Reader({ isAway: true });
  const writer = new LogWriter("text", reader, { maxWaiting: 3 });

  writer.log({ ...RECORD, message: "being written" });
  await everythingSettled();
  for (let number = 1; number <= 10; number++) writer.log({ ...RECORD, message: `${number}` });
  assertEquals(reader.messages, []);

  reader.comeBack();
  await writer.flush(5000);
  writer.log({ ...RECORD, message: "later" });
  await writer.flush(5000);
  assertEquals(reader.messages, [
    "being written",
    "1",
    "2",
    "3",
    "7 log lines were dropped because the reader was too slow",
    "later",
  ]);
});

Deno.test("LogWriter counts anew after it has reported what it dropped", async () => {
  const reader = new Reader({ isAway: true });
  const writer = new LogWriter("text", reader, { maxWaiting: 1 });
  for (const dropped of [2, 1]) {
    writer.log({ ...RECORD, message: "being written" });
    await everythingSettled();
    for (let i = 0; i <= dropped; i++) writer.log({ ...RECORD, message: "waiting or dropped" });
    reader.comeBack();
    await writer.flush(5000);
    reader.goAway();
  }
  assertEquals(reader.messages.filter((message) => message.includes("were dropped")), [
    "2 log lines were dropped because the reader was too slow",
    "1 log lines were dropped because the reader was too slow",
  ]);
});

Deno.test("LogWriter counts the lines it lost and goes on, when a write fails", async () => {
  const reader = new Reader();
  let failures = 2;
  const writer = new LogWriter(
    "text",
    {
      write: (bytes) => failures-- > 0 ? Promise.reject(new Error("EAGAIN")) : reader.write(bytes),
    },
  );

  writer.log({ ...RECORD, message: "lost" });
  writer.log({ ...RECORD, message: "lost with it" });
  await writer.flush(5000);
  writer.log({ ...RECORD, message: "written" });
  await writer.flush(5000);

  assertEquals(reader.messages, [
    "written",
    "2 log lines were dropped because the reader was too slow",
  ]);
});

Deno.test("LogWriter.flush() resolves when everything is written, not earlier", async () => {
  const reader = new Reader({ isAway: true });
  const writer = new LogWriter("text", reader);
  writer.log({ ...RECORD, message: "1" });
  await everythingSettled();
  writer.log({ ...RECORD, message: "2" });
  let isFlushed = false;
  const flushed = writer.flush(60_000).then(() => isFlushed = true);

  await everythingSettled();
  assertEquals(isFlushed, false);

  reader.comeBack();
  await flushed;
  assertEquals(reader.messages, ["1", "2"]);
});

Deno.test("LogWriter.flush() resolves at once, when there is nothing to write", async () => {
  await new LogWriter("text", new Reader()).flush(60_000);
});

Deno.test("LogWriter.flush() resolves at its deadline, when nobody reads", async () => {
  const reader = new Reader({ isAway: true });
  const writer = new LogWriter("text", reader);
  writer.log(RECORD);
  await writer.flush(5);
  assertEquals(reader.messages, []);
});

/** Stands for the other end of standard error. */
class Reader {
  readonly #bytesAtATime: number;
  readonly #read: number[] = [];
  #back = Promise.withResolvers<void>();

  constructor({ isAway = false, bytesAtATime = Infinity } = {}) {
    this.#bytesAtATime = bytesAtATime;
    if (!isAway) this.comeBack();
  }

  /** The messages of the lines that came. */
  get messages(): string[] {
    const text = TEXT_DECODER.decode(Uint8Array.from(this.#read));
    return text.split("\n").slice(0, -1).map((line) => line.replace(/^.*? - /, ""));
  }

  readonly write = async (bytes: Uint8Array): Promise<number> => {
    await this.#back.promise;
    const taken = bytes.subarray(0, this.#bytesAtATime);
    this.#read.push(...taken);
    return taken.length;
  };

  goAway(): void {
    this.#back = Promise.withResolvers();
  }

  comeBack(): void {
    this.#back.resolve();
  }
}

async function written(format: LogFormat, record: LogRecord): Promise<string> {
  let text = "";
  const writer = new LogWriter(format, {
    write: (bytes) => {
      text += TEXT_DECODER.decode(bytes);
      return Promise.resolve(bytes.length);
    },
  });
  writer.log(record);
  await eventually(() => text.endsWith("\n"), { what: "the record is written" });
  return text;
}
