import { assertEquals, assertRejects } from "@std/assert";
import type { Bytes, InboundEvent } from "../../../src/core/event.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
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
  assertEquals(events.map(({ origin }) => origin), [
    { topic: "stdin", partition: 0, offset: 0 },
    { topic: "stdin", partition: 0, offset: 1 },
    { topic: "stdin", partition: 0, offset: 2 },
  ]);
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
  pipeline.settle("stdin[0]@0");
  await listening;
  assertEquals(pipeline.events.map(({ value }) => value), [noText]);
});

Deno.test("StdinListener reads key, value and headers, when the format is json", async () => {
  const [event] = await eventsOf('{"key":"k","value":null,"headers":[["h","1"]]}\n', JSON_LINES);
  assertEquals(
    { key: event?.key, value: event?.value, headers: event?.headers },
    { key: bytes("k"), value: null, headers: [["h", bytes("1")]] },
  );
});

Deno.test("StdinListener ends at once, when its input is empty", async () => {
  assertEquals(await eventsOf("", TEXT), []);
});

Deno.test("StdinListener ends when all events have settled, not earlier, and waits for none to deliver the next", async () => {
  const pipeline = new FakeDeliver();
  let hasEnded = false;
  const listening = listen(linesOf("a\nb\n"), pipeline).then(() => hasEnded = true);

  await eventually(() => pipeline.running.length === 2, { what: "both events come" });
  pipeline.settle("stdin[0]@1");
  await everythingSettled();
  assertEquals(hasEnded, false);

  pipeline.settle("stdin[0]@0");
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
  assertEquals(pipeline.started, ["stdin[0]@0", "stdin[0]@1"]);
});

Deno.test("StdinListener ends at a line that is too long for an event, after the events before it have settled", async () => {
  const pipeline = new FakeDeliver();
  const mebibyte = bytes("x".repeat(1024 * 1024));
  const input = ReadableStream.from([bytes("a\n"), ...Array(17).fill(mebibyte), bytes("\nb\n")]);
  const listening = listen(input, pipeline);
  await eventually(() => pipeline.running.length === 1, { what: "the event before it comes" });
  pipeline.settle("stdin[0]@0");
  const error = await assertRejects(() => listening, SyntaxError);
  assertEquals(error.message, "Cannot read line 2 of stdin: it is longer than 16 MiB");
  assertEquals(pipeline.started, ["stdin[0]@0"]);
});

Deno.test("StdinListener reads no further ahead than its bytes allow", async () => {
  const pipeline = new FakeDeliver();
  const listening = listen(linesOf("aaaa\nbb\nc\ndddd\n"), pipeline, { maxBufferedBytes: 6 });
  await eventually(() => pipeline.running.length === 2, { what: "two events come" });
  await everythingSettled();
  assertEquals(pipeline.running, ["stdin[0]@0", "stdin[0]@1"]);

  pipeline.settle("stdin[0]@1");
  await eventually(() => pipeline.running.length === 3, { what: "more events come" });
  await settleAll(pipeline, listening);
  assertEquals(pipeline.started.length, 4);
});

Deno.test("StdinListener ends, when its lease is ending while it waits for input", async () => {
  const lease = new LeaseController();
  const { input, sendLine } = openInput();
  const pipeline = new FakeDeliver();
  const listening = listen(input, pipeline, { lease });
  sendLine("a");
  await eventually(() => pipeline.running.length === 1, { what: "the event comes" });
  pipeline.settle("stdin[0]@0");
  await everythingSettled();

  lease.beginEnd();
  await listening;

  sendLine("b");
  await everythingSettled();
  assertEquals(pipeline.started, ["stdin[0]@0"], "nothing comes after the end");
});

Deno.test("StdinListener waits for what was delivered, when its lease is ending", async () => {
  const lease = new LeaseController();
  const pipeline = new FakeDeliver();
  let hasEnded = false;
  const listening = listen(openInput("a", "b").input, pipeline, { lease })
    .then(() => hasEnded = true);
  await eventually(() => pipeline.running.length === 2, { what: "both events come" });

  lease.beginEnd();
  pipeline.settle("stdin[0]@0");
  await everythingSettled();
  assertEquals(hasEnded, false);

  pipeline.reject("stdin[0]@1", new EventNotSettledError("The lease ended"));
  await listening;
});

Deno.test("StdinListener rejects with the error itself and delivers no more, when a delivery fails", async () => {
  const bug = new TypeError("a bug");
  const { input, sendLine } = openInput("a", "b");
  const pipeline = new FakeDeliver();
  const listening = listen(input, pipeline);
  await eventually(() => pipeline.running.length === 2, { what: "both events come" });

  pipeline.reject("stdin[0]@0", bug);

  assertEquals(await listening.catch((error: unknown) => error) === bug, true);
  sendLine("c");
  await everythingSettled();
  assertEquals(pipeline.started, ["stdin[0]@0", "stdin[0]@1"]);
  pipeline.settle("stdin[0]@1");
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
  pipeline.settle("stdin[0]@0");
  await assertRejects(() => listening, Deno.errors.BadResource);
});

Deno.test("StdinListener has a thousand events under way at most, and goes on when one settles", async () => {
  const pipeline = new FakeDeliver();
  const listening = listen(linesOf("x\n".repeat(1500)), pipeline);

  await eventually(() => pipeline.running.length >= 1000, { what: "a thousand events come" });
  await everythingSettled();
  assertEquals(pipeline.running.length, 1000);

  pipeline.settle("stdin[0]@999");
  await eventually(() => pipeline.started.length > 1000, { what: "one more event comes" });
  await everythingSettled();
  assertEquals([pipeline.running.length, pipeline.started.length], [1000, 1001]);

  await settleAll(pipeline, listening);
  assertEquals(pipeline.started.length, 1500);
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
  { config = TEXT, lease = new LeaseController(), maxBufferedBytes = 1_000_000 }: {
    config?: typeof TEXT | typeof JSON_LINES;
    lease?: LeaseController;
    maxBufferedBytes?: number;
  } = {},
): Promise<void> {
  return new StdinListener(config, input, { maxBufferedBytes }).listen(pipeline.deliver, lease);
}

function linesOf(text: string): ReadableStream<Bytes> {
  return ReadableStream.from([bytes(text)]);
}

/** An input that stays open. */
function openInput(...lines: string[]) {
  let sendLine = (_line: string): void => {};
  const input = new ReadableStream<Bytes>({
    start(controller) {
      sendLine = (line) => controller.enqueue(bytes(`${line}\n`));
    },
  });
  for (const line of lines) sendLine(line);
  return { input, sendLine };
}

function text(value: Bytes | null): string | null {
  return value && TEXT_DECODER.decode(value);
}
