import { assertEquals } from "@std/assert";
import { deadLetterFacts } from "../../../src/core/failures/dead_letter_facts.ts";
import {
  bareEventRecord,
  eventRecord,
  firstFailure,
} from "../../../src/core/failures/first_failure.ts";
import type { RecordHeader } from "../../../src/core/event.ts";
import { deadLetter } from "../../support/dead_letter.ts";
import { anEvent, bytes, QUEUE } from "../../support/events.ts";
import { HOSTILE_HEADERS } from "../../support/hostile_headers.ts";

const FAILURE = { reason: "status", status: "400", message: "status 400" } as const;

function aLetter(event = anEvent()) {
  const letter = deadLetter(event, { pipeline: "orders", failure: FAILURE, attempts: undefined });
  return anEvent({ topic: "ORDERS_DLQ", offset: 3, ...letter });
}

function textsOf({ headers }: { headers: readonly RecordHeader[] }) {
  return headers.map(([name, value]) => [name, new TextDecoder().decode(value ?? undefined)]);
}

function factsOf(letter: ReturnType<typeof aLetter>) {
  return Object.fromEntries(deadLetterFacts(letter) ?? []);
}

Deno.test("eventRecord() is the event's own record, its idempotency key, and its first failure", () => {
  const event = anEvent({ key: new Uint8Array([0, 255]), value: null, headers: HOSTILE_HEADERS });
  const letter = aLetter(event);
  const { key, value, headers } = eventRecord(letter);
  assertEquals([key, value], [event.key, null]);
  assertEquals(headers.slice(0, HOSTILE_HEADERS.length), HOSTILE_HEADERS);
  assertEquals(textsOf({ headers: headers.slice(HOSTILE_HEADERS.length) }), [
    ["eventor-idempotency-key", "orders-MY_FIRST_TOPIC-0-184-1652708532000"],
    ["eventor-dead-letter-redrives", "1"],
    ["eventor-dead-letter-first-failed-at", factsOf(letter)["first-failed-at"]!],
    ["eventor-dead-letter-source-topic", "MY_FIRST_TOPIC"],
    ["eventor-dead-letter-source-partition", "0"],
    ["eventor-dead-letter-source-offset", "184"],
  ]);
});

Deno.test("eventRecord() keeps the first failure and counts, however often an event is put back", () => {
  const first = aLetter();
  let letter = first;
  for (const redrives of [1, 2, 3]) {
    const place = { topic: "MY_FIRST_TOPIC", partition: 0, offset: 1000 * redrives };
    letter = aLetter(anEvent({ ...place, ...eventRecord(letter) }));
    assertEquals(factsOf(letter), {
      ...factsOf(first),
      redrives: `${redrives}`,
      "last-source-topic": place.topic,
      "last-source-partition": "0",
      "last-source-offset": `${place.offset}`,
    });
    assertEquals(letter.headers.length, first.headers.length + 3);
  }
});

Deno.test("eventRecord() keeps the first failure, when the pipeline has come to read another topic", () => {
  const moved = anEvent({ topic: "NEW", offset: 2, ...eventRecord(aLetter()) });
  const { redrives, ...facts } = factsOf(aLetter(moved));
  assertEquals(redrives, "1");
  assertEquals([facts["source-topic"], facts["source-offset"]], ["MY_FIRST_TOPIC", "184"]);
  assertEquals([facts["last-source-topic"], facts["last-source-offset"]], ["NEW", "2"]);
});

Deno.test("eventRecord() counts from 1, when the dead letter does not say how often it was put back", () => {
  for (const said of [undefined, "-1", "many", "1".repeat(30)]) {
    const headers = aLetter().headers.filter(([name]) => !name.endsWith("redrives"));
    if (said !== undefined) headers.push(["eventor-dead-letter-redrives", bytes(said)]);
    const record = eventRecord(anEvent({ headers }));
    assertEquals(firstFailure(anEvent({ offset: 999, ...record })).redrives, 1);
  }
});

Deno.test("bareEventRecord() is what is the event's own", () => {
  const headers: RecordHeader[] = [...HOSTILE_HEADERS, ["eventor-idempotency-key", bytes("mine")]];
  const event = anEvent({ headers });
  const { key, value } = event;
  assertEquals(bareEventRecord(aLetter(event)), { key, value, headers });
});

const PUT_BACK = {
  redrives: "2",
  "first-failed-at": "2026-01-01T00:00:00.000Z",
  "source-topic": "MY_FIRST_TOPIC",
  "source-partition": "0",
  "source-offset": "17",
};

function firstFailureOf(facts: Record<string, string>) {
  const headers = Object.entries({ ...PUT_BACK, ...facts })
    .map(([name, text]) => [`eventor-dead-letter-${name}`, bytes(text)] as const);
  return firstFailure(anEvent({ headers }));
}

Deno.test("firstFailure() is what an event that was put back says", () => {
  assertEquals(firstFailureOf({}), {
    redrives: 2,
    failedAtMs: Date.UTC(2026, 0, 1),
    source: [["topic", "MY_FIRST_TOPIC"], ["partition", "0"], ["offset", "17"]],
  });
});

Deno.test("firstFailure() says nothing of an event that was never put back, or is a dead letter itself", () => {
  assertEquals(firstFailure(anEvent()), { redrives: 0 });
  assertEquals(firstFailure(anEvent({ headers: HOSTILE_HEADERS })), { redrives: 0 });
  assertEquals(firstFailureOf({ pipeline: "payments" }), { redrives: 0 });
  for (const redrives of ["0", "", "-1", "1.5", "01", "many", "9".repeat(20)]) {
    assertEquals(firstFailureOf({ redrives }), { redrives: 0 });
  }
});

Deno.test("firstFailure() takes no time that is none or still to come", () => {
  for (const time of ["", "yesterday", "2026-01-01", "1", "9999-01-01T00:00:00.000Z"]) {
    assertEquals(firstFailureOf({ "first-failed-at": time }).failedAtMs, undefined);
  }
});

Deno.test("firstFailure() takes no place that is none, or is not before that of the event", () => {
  for (
    const place of [
      { "source-offset": "184" },
      { "source-offset": "-1" },
      { "source-offset": "9".repeat(16) },
      { "source-offset": "" },
      { "source-partition": "2147483648" },
      { "source-partition": "one" },
      { "source-topic": "" },
      { "source-topic": "A\x1b[2J" },
    ]
  ) assertEquals(firstFailureOf(place).source, undefined, JSON.stringify(place));
});

Deno.test("firstFailure() takes no place of a source that knows no order", () => {
  const headers = Object.entries({ redrives: "1", "source-queue": "a", "source-routing-key": "b" })
    .map(([name, text]) => [`eventor-dead-letter-${name}`, bytes(text)] as const);
  assertEquals(firstFailure(anEvent({ origin: QUEUE, headers })), { redrives: 1 });
});
