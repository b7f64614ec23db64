import { assertEquals, assertMatch } from "@std/assert";
import { Attempts } from "../../../src/core/failures/attempts.ts";
import { deadLetters } from "../../../src/core/failures/dead_letter.ts";
import { deadLetterFacts } from "../../../src/core/failures/dead_letter_facts.ts";
import type { RecordHeader } from "../../../src/core/event.ts";
import { deadLetter } from "../../support/dead_letter.ts";
import { anEvent, bytes, QUEUE } from "../../support/events.ts";
import {
  FailingPipeline,
  headerOf,
  PERMANENT,
  TOO_LARGE,
} from "../../support/fakes/failing_pipeline.ts";
import { FakeHandler } from "../../support/fakes/handler.ts";
import { FakeListener } from "../../support/fakes/listener.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { HOSTILE_HEADERS } from "../../support/hostile_headers.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const FAILURE = { reason: "status", status: "400", message: "status 400" } as const;

function headersOf(
  event = anEvent(),
  { failure = FAILURE }: { failure?: Parameters<typeof deadLetter>[1]["failure"] } = {},
) {
  const attempts = new Attempts(() => "", { log: new RecordedLog().log });
  for (let attempt = 0; attempt < 3; attempt++) attempts.fail();
  const letter = deadLetter(event, { pipeline: "orders", failure, attempts: attempts.soFar });
  return letter.headers.map(([name, value]) =>
    [name, value && new TextDecoder().decode(value)] as const
  );
}

Deno.test("deadLetter() keeps key, value and headers byte for byte", () => {
  const event = anEvent({ key: new Uint8Array([0, 255]), value: null, headers: HOSTILE_HEADERS });
  const letter = deadLetter(event, {
    pipeline: "orders",
    failure: FAILURE,
    attempts: undefined,
  });
  assertEquals(letter.key, event.key);
  assertEquals(letter.value, null);
  assertEquals(letter.headers.slice(0, HOSTILE_HEADERS.length), HOSTILE_HEADERS);
});

Deno.test("deadLetter() says what there is to know of the failure", () => {
  const facts = Object.fromEntries(headersOf());
  const { "eventor-dead-letter-first-failed-at": failedAt, ...others } = facts;
  assertEquals(new Date(failedAt ?? "").toISOString(), failedAt);
  assertEquals(others, {
    "eventor-idempotency-key": "orders-MY_FIRST_TOPIC-0-184-1652708532000",
    "eventor-dead-letter-pipeline": "orders",
    "eventor-dead-letter-reason": "status",
    "eventor-dead-letter-status": "400",
    "eventor-dead-letter-attempts": "3",
    "eventor-dead-letter-redrives": "0",
    "eventor-dead-letter-source-topic": "MY_FIRST_TOPIC",
    "eventor-dead-letter-source-partition": "0",
    "eventor-dead-letter-source-offset": "184",
    "eventor-dead-letter-timestamp": "2022-05-16T13:42:12.000Z",
    "eventor-dead-letter-message": "status 400",
  });
});

Deno.test("deadLetter() has the facts of each source, and no idempotency key without an identity", () => {
  const names = headersOf(anEvent({ origin: QUEUE })).map(([name]) => name);
  assertEquals(names.filter((name) => /source|idempotency/.test(name)), [
    "eventor-dead-letter-source-queue",
    "eventor-dead-letter-source-routing-key",
  ]);
});

Deno.test("deadLetter() replaces what an earlier dead letter said, and keeps the first idempotency key", () => {
  const first = "orders-MY_FIRST_TOPIC-0-17-1652708532000";
  const headers = headersOf(anEvent({
    headers: [
      ["eventor-dead-letter-status", bytes("500")],
      ["Eventor-Dead-Letter-Message", bytes("old")],
      ["eventor-idempotency-key", bytes(first)],
    ],
  }));
  const valuesOf = (name: string) =>
    headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  assertEquals(valuesOf("eventor-dead-letter-status"), ["400"]);
  assertEquals(valuesOf("eventor-dead-letter-message"), ["status 400"]);
  assertEquals(valuesOf("eventor-idempotency-key"), [first]);
});

Deno.test("deadLetter() keeps an idempotency key that is none of its pipeline's, as any header of the event", () => {
  const headers = headersOf(anEvent({ headers: [["eventor-idempotency-key", bytes("mine")]] }));
  const keys = headers.filter(([name]) => name === "eventor-idempotency-key");
  assertEquals(keys.map(([, value]) => value), [
    "mine",
    "orders-MY_FIRST_TOPIC-0-184-1652708532000",
  ]);
});

Deno.test("deadLetter() shortens a message to 1 KiB between characters", () => {
  const failure = { ...FAILURE, message: "ö".repeat(2000) };
  const message = Object.fromEntries(headersOf(anEvent(), { failure }))[
    "eventor-dead-letter-message"
  ];
  assertEquals(message, "ö".repeat(512));
});

Deno.test("deadLetters() leave out one header after the other, those that a redrive needs last, and none of the event's", () => {
  const event = anEvent({ headers: HOSTILE_HEADERS });
  const attempts = new Attempts(() => "", { log: new RecordedLog().log });
  attempts.fail();
  const parts = { pipeline: "orders", failure: FAILURE, attempts: attempts.soFar };
  const letters = [...deadLetters(event, parts)];
  assertEquals(letters[0]?.leftOut, []);
  assertEquals(letters.at(-1)?.leftOut, [
    "eventor-dead-letter-message",
    "eventor-dead-letter-timestamp",
    "eventor-dead-letter-attempts",
    "eventor-dead-letter-status",
    "eventor-dead-letter-reason",
    "eventor-dead-letter-first-failed-at",
    "eventor-dead-letter-redrives",
    "eventor-dead-letter-source-offset",
    "eventor-dead-letter-source-topic",
    "eventor-dead-letter-source-partition",
    "eventor-idempotency-key",
    "eventor-dead-letter-pipeline",
  ]);
  for (const [index, { record, leftOut, isBare }] of letters.entries()) {
    assertEquals([record.key, record.value], [event.key, event.value]);
    assertEquals(record.headers.slice(0, HOSTILE_HEADERS.length), HOSTILE_HEADERS);
    const names = new Set(record.headers.map(([name]) => name));
    assertEquals(leftOut.length, index);
    assertEquals(leftOut.some((name) => names.has(name)), false);
    assertEquals(isBare, index === letters.length - 1);
  }
  assertEquals(letters.at(-1)?.record, {
    key: event.key,
    value: event.value,
    headers: HOSTILE_HEADERS,
  });
});

Deno.test("deadLetter() says nothing of a timestamp that is none", () => {
  for (const timestampMs of [-1, Number.MAX_SAFE_INTEGER]) {
    const facts = Object.fromEntries(headersOf(anEvent({ timestampMs })));
    assertEquals("eventor-dead-letter-timestamp" in facts, false);
  }
});

function aLetter(event = anEvent()) {
  const letter = deadLetter(event, {
    pipeline: "orders",
    failure: FAILURE,
    attempts: undefined,
  });
  return anEvent({ topic: "ORDERS_DLQ", offset: 3, ...letter });
}

Deno.test("deadLetterFacts() are what the dead letter says", () => {
  const { "first-failed-at": _, ...facts } = Object.fromEntries(deadLetterFacts(aLetter()) ?? []);
  assertEquals(facts, {
    pipeline: "orders",
    reason: "status",
    status: "400",
    attempts: "1",
    redrives: "0",
    "source-topic": "MY_FIRST_TOPIC",
    "source-partition": "0",
    "source-offset": "184",
    timestamp: "2022-05-16T13:42:12.000Z",
    message: "status 400",
  });
});

Deno.test("deadLetterFacts() are null of what no pipeline has stored", () => {
  const others: (readonly RecordHeader[])[] = [
    [],
    HOSTILE_HEADERS,
    [["eventor-dead-letter-status", bytes("503")]],
    [["eventor-dead-letter-pipeline", null]],
  ];
  for (const headers of others) assertEquals(deadLetterFacts(anEvent({ headers })), null);
});

for (
  const { ordering, groups } of [
    { ordering: "key", groups: [undefined, "3"] },
    { ordering: "partition", groups: ["3", "3"] },
    { ordering: "none", groups: [undefined, undefined] },
  ] as const
) {
  Deno.test(`runPipeline() keeps the order of dead letters with ordering: ${ordering}, whatever their keys`, async () => {
    const listener = new FakeListener(
      anEvent({ partition: 3, offset: 1, key: bytes("key") }),
      anEvent({ partition: 3, offset: 2, key: null }),
    );
    const failing = new FailingPipeline(new FakeHandler(PERMANENT), { listener });
    await failing.run({ takesErrors: false, ordering });
    const stored = failing.deadLetters.stored.map(({ key, orderGroup }) => ({ key, orderGroup }));
    const [ofKey, keyless] = groups;
    assertEquals(stored, [
      { key: bytes("key"), orderGroup: ofKey },
      { key: null, orderGroup: keyless },
    ]);
  });
}

Deno.test("runPipeline() leaves headers out of a dead letter until it is small enough, and logs which", async () => {
  const deadLetters = new FakeResultProcessor({ failures: Array(2).fill(TOO_LARGE) });
  const failing = new FailingPipeline(new FakeHandler(PERMANENT));
  await failing.run({ takesErrors: false, deadLetters });
  assertEquals(deadLetters.stored.length, 1);
  assertEquals(headerOf(deadLetters.stored[0]!, "eventor-dead-letter-message"), undefined);
  assertEquals(headerOf(deadLetters.stored[0]!, "eventor-dead-letter-timestamp"), undefined);
  assertEquals(headerOf(deadLetters.stored[0]!, "eventor-dead-letter-status"), "400");
  assertEquals(failing.log.of("ERROR"), []);
  assertMatch(
    failing.log.of("WARN").join("\n"),
    /stored without eventor-dead-letter-message, eventor-dead-letter-timestamp, as its destination takes no larger record/,
  );
});

Deno.test("runPipeline() stores an event that leaves no room for headers as it is, and logs that no redrive will find it", async () => {
  const deadLetters = new FakeResultProcessor({ failures: Array(12).fill(TOO_LARGE) });
  const failing = new FailingPipeline(new FakeHandler(PERMANENT));
  await failing.run({ takesErrors: false, deadLetters });
  const { key, value, headers } = anEvent();
  assertEquals(deadLetters.stored.map((record) => ({ ...record })), [{ key, value, headers }]);
  assertMatch(failing.log.of("ERROR").join("\n"), /a redrive does not know it as a dead letter/);
});

Deno.test("runPipeline() blocks, when a dead letter cannot be stored", async () => {
  const deadLetters = new FakeResultProcessor({ failures: Array(13 + 6).fill(TOO_LARGE) });
  const failing = new FailingPipeline(new FakeHandler(PERMANENT));
  await failing.run({ takesErrors: false, deadLetters });
  assertEquals(deadLetters.stored.length, 1);
  assertEquals(failing.handler.calls.length, 1);
  assertMatch(failing.log.of("ERROR").join("\n"), /raise the limit/);
});
