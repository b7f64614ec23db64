import { assertEquals, assertRejects } from "@std/assert";
import type { Bytes, InboundEvent } from "../../../src/core/event.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { StdinListener } from "../../../src/transports/stdio/listener.ts";
import { eventually, everythingSettled } from "../../support/eventually.ts";
import { bytes } from "../../support/events.ts";
import { FakeDeliver } from "../../support/fakes/deliver.ts";

const TEXT_DECODER = new TextDecoder();
const TEXT = { type: "stdin", format: "text" } as const;
const JSON_LINES = { type: "stdin", format: "json" } as const;

Deno.test("StdinListener makes an event of each line and ends with its input, when the format is text", async () => {
  const before = Date.now();
  const events = await eventsOf("first\n\n{third}", TEXT);

  assertEquals(events.map(({ value }) => text(value)), ["first", "", "{third}"]);
  assertEquals(events.map(({ origin }) => `${origin}`), ["stdin@0", "stdin@1", "stdin@2"]);
  assertEquals(events.map(({ position }) => position), [0, 1, 2]);
  assertEquals(events[2]?.origin.facts(), [["topic", "stdin"], ["offset", "2"]]);
  assertEquals(new Set(events.map(({ origin }) => origin.id)).size, 3);
  for (const { key, headers, timestampMs } of events) {
    assertEquals({ key, headers }, { key: null, headers: [] });
    assertEquals(timestampMs >= before && timestampMs <= Date.now(), true);
  }
});

Deno.test("StdinListener takes bytes as they are, when the format is text", async () => {
  const noText = Uint8Array.of(0xff, 0, 0x0d, 0xef, 0xbb, 0xbf);
  const pipeline = new FakeDeliver();
  const listening = listen(ReadableStream.from([noText]), pipeline);
  await eventually(() => pipeline.running.length === 1, { what: "the event comes" });
  pipeline.settle("stdin@0");
  await listening;
  assertEquals(pipeline.events.map(({ value }) => value), [noText]);
});

Deno.test("StdinListener ends at once, when its input is empty", async () => {
  assertEquals(await eventsOf("", TEXT), []);
});

Deno.test("StdinListener ends when all events have settled, not earlier, and waits for none to deliver the next", async () => {
  const pipeline = new FakeDeliver();
  let hasEnded = false;
  const listening = listen(linesOf("a\nb\n"), pipeline).then(() => hasEnded = true);

  await eventually(() => pipeline.running.length === 2, { what: "both events come" });
  pipeline.settle("stdin@1");
  await everythingSettled();
  assertEquals(hasEnded, false);

  pipeline.settle("stdin@0");
  await listening;
});

Deno.test("StdinListener ends at a line that is no event, after the events before it have settled", async () => {
  const pipeline = new FakeDeliver();
  let hasEnded = false;
  const listening = listen(linesOf('{}\n{}\n{"SECRET"\n{}\n'), pipeline, { config: JSON_LINES })
    .finally(() => hasEnded = true);

  await eventually(() => pipeline.running.length === 2, { what: "the events before it come" });
  await everythingSettled();
  assertEquals(hasEnded, false);
  for (const place of pipeline.running) pipeline.settle(place);

  const error = await assertRejects(() => listening, SyntaxError);
  assertEquals(error.message, "Cannot read line 3 of stdin: expected one JSON object in UTF-8");
  assertEquals(pipeline.started, ["stdin@0", "stdin@1"]);
});

Deno.test("StdinListener ends at a line that is too long for an event, after the events before it have settled", async () => {
  const pipeline = new FakeDeliver();
  const mebibyte = bytes("x".repeat(1024 * 1024));
  const input = ReadableStream.from([bytes("a\n"), ...Array(17).fill(mebibyte), bytes("\nb\n")]);
  const listening = listen(input, pipeline);
  await eventually(() => pipeline.running.length === 1, { what: "the event before it comes" });
  pipeline.settle("stdin@0");
  const error = await assertRejects(() => listening, SyntaxError);
  assertEquals(error.message, "Cannot read line 2 of stdin: it is longer than 16 MiB");
  assertEquals(pipeline.started, ["stdin@0"]);
});

Deno.test("StdinListener reads no further ahead than its bytes allow", async () => {
  const pipeline = new FakeDeliver();
  const listening = listen(linesOf("aaaa\nbb\nc\ndddd\n"), pipeline, { maxBufferedBytes: 6 });
  await eventually(() => pipeline.running.length === 2, { what: "two events come" });
  await everythingSettled();
  assertEquals(pipeline.running, ["stdin@0", "stdin@1"]);

  pipeline.settle("stdin@1");
  await eventually(() => pipeline.running.length === 3, { what: "more events come" });
  await settleAll(pipeline, listening);
  assertEquals(pipeline.started.length, 4);
});

Deno.test("StdinListener rejects, when the input fails, after the events before have settled", async () => {
  const pipeline = new FakeDeliver();
  async function* failing(): AsyncGenerator<Bytes> {
    yield bytes("a\n");
    throw new Deno.errors.BadResource("gone");
  }
  const listening = listen(ReadableStream.from(failing()), pipeline);
  listening.catch(() => {});
  await eventually(() => pipeline.running.length === 1, { what: "the event comes" });
  pipeline.settle("stdin@0");
  await assertRejects(() => listening, Deno.errors.BadResource);
});

async function eventsOf(
  input: string,
  config: typeof TEXT | typeof JSON_LINES,
): Promise<readonly InboundEvent[]> {
  const pipeline = new FakeDeliver();
  await settleAll(pipeline, listen(linesOf(input), pipeline, { config }));
  return pipeline.events;
}

async function settleAll(pipeline: FakeDeliver, listening: Promise<void>): Promise<void> {
  let hasEnded = false;
  const ended = listening.finally(() => hasEnded = true);
  await eventually(() => {
    for (const place of pipeline.running) pipeline.settle(place);
    return hasEnded;
  }, { what: "the listener ends" });
  await ended;
}

function listen(
  input: ReadableStream<Bytes>,
  pipeline: FakeDeliver,
  { config = TEXT, maxBufferedBytes = 1_000_000 }: {
    config?: typeof TEXT | typeof JSON_LINES;
    maxBufferedBytes?: number;
  } = {},
): Promise<void> {
  return new StdinListener(config, input, { maxBufferedBytes }).listen(
    pipeline.deliver,
    new LeaseController(),
  );
}

function linesOf(text: string): ReadableStream<Bytes> {
  return ReadableStream.from([bytes(text)]);
}

function text(value: Bytes | null): string | null {
  return value && TEXT_DECODER.decode(value);
}
