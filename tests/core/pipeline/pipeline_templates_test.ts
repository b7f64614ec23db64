import { assertEquals } from "@std/assert";
import { parsePlaceholder, TemplateError } from "../../../src/core/template.ts";
import { ResultProcessorError } from "../../../src/core/result_processor.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { aResult, FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { RecordedLog } from "../../support/recorded_log.ts";
import { runParts } from "../../support/fakes/run_parts.ts";

const DEAD_LETTERS = { retry: null, noResponse: null, onFailure: "deadLetter" } as const;
const ID = { key: { parts: [parsePlaceholder("event.value.id")!] } };
const NO_ID = "no value for ${event.value.id}; write ${event.value.id:-...} to set a default";

function headerOf(processor: FakeResultProcessor, name: string): string | undefined {
  const [, value] = processor.stored[0]?.headers.find(([header]) => header === name) ?? [];
  return value ? new TextDecoder().decode(value) : undefined;
}

Deno.test("runPipeline() gives each result processor the record that it asks for", async () => {
  const [plain, shaped] = [new FakeResultProcessor(), new FakeResultProcessor()];
  await runParts({
    listener: new FakeListener(anEvent({ key: bytes("k"), value: bytes('{"id":"c-1"}') })),
    resultProcessors: [
      { when: ["onSuccess"], processor: plain },
      { when: ["onSuccess"], processor: shaped, templates: ID },
    ],
  });
  assertEquals(plain.stored.map(({ key }) => key), [bytes("k")]);
  assertEquals(shaped.stored.map(({ key }) => key), [bytes("c-1")]);
});

Deno.test("runPipeline() publishes nothing of an event that one of its records cannot be made of, and makes it a dead letter", async () => {
  const [plain, shaped, deadLetters] = Array.from({ length: 3 }, () => new FakeResultProcessor());
  const handler = new FakeHandler(aResult());
  await runParts({
    listener: new FakeListener(anEvent({ value: bytes("{}") })),
    handler,
    resultProcessors: [
      { when: ["onSuccess"], processor: plain! },
      { when: ["onSuccess"], processor: shaped!, templates: ID },
    ],
    deadLetters: deadLetters!,
    policy: DEAD_LETTERS,
  });
  assertEquals([plain!.stored, shaped!.stored, handler.calls.length], [[], [], 1]);
  assertEquals(headerOf(deadLetters!, "eventor-dead-letter-reason"), "template");
  assertEquals(headerOf(deadLetters!, "eventor-dead-letter-message"), NO_ID);
});

Deno.test("runPipeline() does not call again for an event that cannot become a call", async () => {
  const deadLetters = new FakeResultProcessor();
  const handler = new FakeHandler(new TemplateError("no key"));
  await runParts({
    listener: new FakeListener(anEvent()),
    handler,
    deadLetters,
    policy: { ...DEAD_LETTERS, retry: { maxAttempts: 5 }, noResponse: { maxAttempts: 5 } },
  });
  assertEquals(handler.calls.length, 1);
  assertEquals(headerOf(deadLetters, "eventor-dead-letter-reason"), "template");
  assertEquals(headerOf(deadLetters, "eventor-dead-letter-message"), "no key");
});

Deno.test("runPipeline() takes events that cannot become calls for no outage", async () => {
  const deadLetters = new FakeResultProcessor();
  const log = new RecordedLog();
  await runParts({
    listener: new FakeListener(
      ...Array.from({ length: 100 }, (_, offset) => anEvent({ offset, key: bytes(`${offset}`) })),
    ),
    handler: new FakeHandler(new TemplateError("no key")),
    deadLetters,
    policy: DEAD_LETTERS,
    log: log.log,
  });
  assertEquals(deadLetters.stored.length, 100);
  assertEquals(log.of("ERROR"), []);
});

Deno.test("runPipeline() blocks by an event without a record, when nothing else is configured, and does not call again", async () => {
  const handler = new FakeHandler(aResult());
  const log = new RecordedLog();
  const lease = new LeaseController();
  const running = runParts({
    listener: new FakeListener(anEvent({ value: bytes("{}") })),
    handler,
    resultProcessors: [{
      when: ["onSuccess"],
      processor: new FakeResultProcessor(),
      templates: ID,
    }],
    log: log.log,
  }, lease);
  await log.line(/no value for/, { count: 3 });
  lease.beginEnd();
  await running;
  assertEquals(handler.calls.length, 1);
});

Deno.test("runPipeline() says of a result that is too large that it is, in records as they are asked for", async () => {
  const tooLarge = new ResultProcessorError("too large", { isTooLarge: true });
  const results = new FakeResultProcessor({ failures: [tooLarge] });
  const errors = new FakeResultProcessor();
  await runParts({
    listener: new FakeListener(anEvent({ value: bytes('{"id":"c-1"}') })),
    resultProcessors: [
      { when: ["onSuccess"], processor: results },
      { when: ["onError"], processor: errors, templates: ID },
    ],
  });
  assertEquals(errors.stored.map(({ key }) => key), [bytes("c-1")]);
});
