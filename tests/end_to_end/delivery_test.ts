import { assert, assertEquals } from "@std/assert";
import type { RecordHeader } from "../../src/core/event.ts";
import { type Endpoint, startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produce,
  readTopic,
  type StoredRecord,
  testBroker,
  type TestRecord,
} from "../support/kafka/broker.ts";
import { seededRandom } from "../support/seeded_random.ts";

const PARTITIONS = 4;
const EVENTS = 10_000;
const KILLS = 3;
const MAX_LOOKAHEAD = 100;

/** A partition's look-ahead, as much that has settled before a commit begins, and as much until it has arrived. */
const MAX_REPEATED = KILLS * PARTITIONS * 3 * MAX_LOOKAHEAD;
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
/** It counts for nothing, and does not go into results, whose headers of that kind are eventor's own. */
const FOREIGN_KEY: RecordHeader = ["eventor-idempotency-key", bytes("mine")];
const HOSTILE_HEADERS: RecordHeader[] = [
  ["null", null],
  ["repeated", bytes("1")],
  ["constructor", bytes("2")],
  ["__proto__", bytes("3")],
  ["repeated", bytes("4")],
  ["42", bytes("5")],
  ["7", bytes("6")],
  ["empty", new Uint8Array()],
  FOREIGN_KEY,
];

Deno.test("eventor loses nothing, keeps order and bytes, and commits what is done, when killed again and again", async (t) => {
  const source = await freshTopic("source", { partitions: PARTITIONS });
  const results = await freshTopic("results", { partitions: PARTITIONS });
  const group = freshName("delivery");
  await produce(source, mixedRecords());
  const sent = await readTopic(source);
  assertEquals(sent.length, EVENTS);

  const ends = new Map<number, number>();
  for (const { partition, offset } of sent) ends.set(partition, offset + 1);
  await using endpoint = startEndpoint();
  const config = configuration({ source, results, group, url: endpoint.url });
  for (let kill = 1; kill <= KILLS; kill++) {
    await using eventor = new EventorProcess(config);
    const enough = EVENTS * kill / (KILLS + 1);
    await eventually(() => endpoint.calls.length >= enough, {
      deadlineMs: 60_000,
      what: () => `${enough} calls; the log has:\n${eventor.lines.slice(-20).join("\n")}`,
    });
    eventor.signal("SIGKILL");
  }
  {
    await using eventor = new EventorProcess(config);
    await eventually(async () => sameOffsets(await committedOffsets(group, source), ends), {
      deadlineMs: 120_000,
      what: () => `offsets at the ends; the log has:\n${eventor.lines.slice(-20).join("\n")}`,
    });
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  }

  const stored = await readTopic(results);
  const resultsOf = Map.groupBy(stored, ({ headers }) => sourceOf(headers));

  await t.step("every event has a result", () => {
    assertEquals(sent.filter((record) => !resultsOf.has(placeOf(record))), []);
    assertEquals(resultsOf.size, EVENTS);
  });

  await t.step("key, value and headers come back byte for byte", () => {
    for (const record of sent) {
      for (const result of resultsOf.get(placeOf(record)) ?? []) {
        assertEquals(result.key, record.key);
        assertEquals(result.value, record.value ?? new Uint8Array());
        assertEquals(result.headers, expectedHeaders(source, record));
      }
    }
  });

  await t.step("first calls for a key are made in the order of its events", () => {
    assertEquals(orderOfFirstCalls(endpoint, sent), sentOrder(sent));
  });

  await t.step("calls have idempotency keys of their events, whatever producers say", () => {
    const placeOfNumber = new Map(sent.map((record) => [numberOf(record.value), placeOf(record)]));
    const numbered = endpoint.calls.filter(({ body }) => numberOf(body) !== null);
    assert(numbered.length >= EVENTS * 0.9);
    const keys = numbered.map(({ headers }) => headers.get("idempotency-key") ?? "none");
    const places = numbered.map(({ body }) => placeOfNumber.get(numberOf(body)) ?? "none");
    assertEquals(
      keys.map((key) => key.replace(/-\d+$/, "")), // the timestamp
      places.map((place) => `delivery-${source}-${place.replace("@", "-")}`),
    );
  });

  await t.step("results of a key stand in the order of its events", () => {
    for (const [key, ofKey] of Map.groupBy(stored, ({ key }) => key && decode(key))) {
      if (key === null) continue;
      const firstResults = [...new Set(ofKey.map(({ headers }) => sourceOf(headers)))];
      const events = sent.filter((record) => record.key && decode(record.key) === key).map(placeOf);
      assertEquals(firstResults, events);
    }
  });

  await t.step("only the look-ahead and what was not committed at a kill is handled again", () => {
    const repeated = stored.length - EVENTS;
    assert(repeated <= MAX_REPEATED, `${repeated} results were repeated`);
  });
});

function configuration(
  { source, results, group, url }: Record<"source" | "results" | "group" | "url", string>,
): string {
  const brokers = `bootstrap.servers: "${testBroker()}"`;
  return `
- name: delivery
  maxLookahead: ${MAX_LOOKAHEAD}
  eventListener:
    type: kafka
    topic: ${source}
    # A killed member keeps its partitions for the time of its session.
    consumerConfig: { ${brokers}, group.id: ${group}, auto.offset.reset: earliest, session.timeout.ms: 6000 }
  eventHandler: { type: http, url: ${url} }
  eventResultProcessor:
    { type: kafka, topic: ${results}, when: [onSuccess, onError], producerConfig: { ${brokers} } }
`;
}

/** With keys and without, values that are text, binary, large, empty and null, and headers of all kinds. */
function mixedRecords(): TestRecord[] {
  const random = seededRandom(20_220_516);
  return Array.from({ length: EVENTS }, (_, number) => ({
    key: number % 3 === 0 ? null : number % 50 === 1 ? ALL_BYTES : bytes(`key-${number % 97}`),
    value: mixedValue(number, random),
    headers: number % 5 === 0 ? HOSTILE_HEADERS : [],
  }));
}

function mixedValue(number: number, random: () => number): Uint8Array<ArrayBuffer> | null {
  if (number % 100 === 10) return null;
  if (number % 100 === 20) return new Uint8Array();
  const size = number % 1000 === 30 ? 900_000 : Math.floor(random() * 400);
  const start = bytes(`${number}:`);
  const value = new Uint8Array(start.length + ALL_BYTES.length + size);
  value.set(start);
  value.set(ALL_BYTES, start.length);
  for (let index = start.length + ALL_BYTES.length; index < value.length; index++) {
    value[index] = random() * 256;
  }
  return value;
}

function expectedHeaders(topic: string, { partition, offset, headers }: StoredRecord): string {
  const own = [
    "eventor-status=200",
    `eventor-source-topic=${topic}`,
    `eventor-source-partition=${partition}`,
    `eventor-source-offset=${offset}`,
  ];
  const kept = headers.replace(",eventor-idempotency-key=mine", "");
  return [...(kept === "" ? [] : [kept]), ...own].join(",");
}

function sourceOf(headers: string): string {
  const [, partition, offset] =
    headers.match(/eventor-source-partition=(\d+),eventor-source-offset=(\d+)$/) ?? [];
  return `${partition}@${offset}`;
}

function placeOf({ partition, offset }: StoredRecord): string {
  return `${partition}@${offset}`;
}

/** Numbers of events, by lane, in the order in which they were first called; values without one are left out. */
function orderOfFirstCalls(
  { calls }: Endpoint,
  sent: readonly StoredRecord[],
): Map<string, number[]> {
  const laneOfNumber = new Map(sent.map((record) => [numberOf(record.value), laneOf(record)]));
  const called = new Set(
    calls.map(({ body }) => numberOf(body)).filter((number) => number !== null),
  );
  return Map.groupBy(called, (number) => laneOfNumber.get(number) ?? "none");
}

function sentOrder(sent: readonly StoredRecord[]): Map<string, number[]> {
  const numbered = sent.filter(({ value }) => numberOf(value) !== null);
  return new Map(
    Map.groupBy(numbered, laneOf).entries()
      .map(([lane, records]) => [lane, records.map(({ value }) => numberOf(value) ?? -1)]),
  );
}

/** Events of a partition that have the same key, or none, have an order among them. */
function laneOf({ partition, key }: StoredRecord): string {
  return `${partition} ${key === null ? "without a key" : `key ${decode(key)}`}`;
}

function numberOf(value: Uint8Array | null): number | null {
  const match = value && /^(\d+):/.exec(decode(value.subarray(0, 10)));
  return match ? Number(match[1]) : null;
}

function sameOffsets(found: Map<number, number>, expected: Map<number, number>): boolean {
  return [...expected].every(([partition, offset]) => found.get(partition) === offset);
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
