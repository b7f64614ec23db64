import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type OutboundRecord,
  ResultProcessorError,
} from "../../../../src/core/result_processor.ts";
import { partitionOfKey } from "../../../../src/transports/kafka/producer/murmur2.ts";
import {
  type BatcherOptions,
  RecordBatcher,
} from "../../../../src/transports/kafka/producer/record_batcher.ts";
import type { Failure } from "../../../../src/transports/kafka/producer/store_failure.ts";
import { bytes } from "../../../support/events.ts";
import { eventually, everythingSettled, inTime } from "../../../support/eventually.ts";
import { FakeSender } from "../../../support/kafka/fake_sender.ts";

const NEVER = new AbortController().signal;
const OPTIONS: BatcherOptions = {
  maxRecordBytes: 1_000_000,
  maxBatchBytes: 1_000_000,
  maxBatchRecords: 10_000,
  lingerMs: 0,
  retries: 3,
  reconnectBackoffMs: 1,
  reconnectBackoffMaxMs: 1,
};
const AWAY: Failure = { error: new ResultProcessorError("away"), remedy: "repeat" };
const DENIED: Failure = { error: new ResultProcessorError("denied"), remedy: "none" };
const INVALID: Failure = { error: new ResultProcessorError("invalid"), remedy: "split" };
const TOO_LARGE: Failure = { error: new ResultProcessorError("too large"), remedy: "shrink" };

Deno.test("RecordBatcher sends without delay, when no request is under way", async () => {
  const { sender, add } = aBatcher();
  const place = add("a");
  await Promise.resolve();
  assertEquals(sender.requests.map(({ values }) => values), [{ 0: ["a"] }]);
  sender.requests[0]?.answer();
  assertEquals(await place, "RESULTS[0]@0");
});

Deno.test("RecordBatcher sends what comes in one turn in one request", async () => {
  const { sender, add } = aBatcher();
  const places = ["a", "b", "c"].map((value) => add(value));
  await everythingSettled();
  assertEquals(sender.requests.map(({ values }) => values), [{ 0: ["a", "b", "c"] }]);
  sender.requests[0]?.answer();
  assertEquals((await Promise.all(places)).map(offsetOf), [0, 1, 2]);
});

Deno.test("RecordBatcher sends what came while a request was under way in the next one, in order", async () => {
  const { sender, add } = aBatcher();
  const places = [add("a")];
  await everythingSettled();
  for (const value of ["b", "c", "d"]) {
    places.push(add(value));
    await everythingSettled();
  }
  assertEquals(sender.requests.length, 1);

  sender.requests[0]?.answer();
  await everythingSettled();
  sender.requests[1]?.answer();

  assertEquals((await Promise.all(places)).map(offsetOf), [0, 1, 2, 3]);
  assertEquals(sender.requests.map(({ values }) => values), [{ 0: ["a"] }, {
    0: ["b", "c", "d"],
  }]);
});

Deno.test("RecordBatcher has one request for each leader, with a batch for each of its partitions", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 2, 1, 2] });
  const keys = [0, 1, 2, 3].map((partition) => keyFor(partition, 4));
  const places = keys.flatMap((key) => ["x", "y"].map((text) => add(`${text} of ${key}`, { key })));
  await everythingSettled();
  assertEquals(sender.requests.map(({ leader, batches }) => [leader, batches.length]), [
    [1, 2],
    [2, 2],
  ]);

  // A leader that does not answer holds up nobody else.
  sender.requests[1]?.answer();
  await Promise.all(places.filter((_, index) => Math.floor(index / 2) % 2 === 1));
  add("next", { key: keyFor(1, 4) });
  await everythingSettled();
  assertEquals(sender.requests[2]?.values, { 1: ["next"] });
  sender.requests[0]?.answer();

  assertEquals(
    (await Promise.all(places)).map((place) => [Number(partitionOf(place)), offsetOf(place)]),
    [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1], [3, 0], [3, 1]],
  );
});

Deno.test("RecordBatcher has one batch of a partition under way, when its leader changes meanwhile", async () => {
  const { sender, add } = aBatcher();
  add("a");
  await everythingSettled();
  sender.leaders[0] = 2;
  add("b");
  await everythingSettled();
  assertEquals(sender.requests.length, 1);
  sender.requests[0]?.answer();
  await everythingSettled();
  assertEquals(sender.requests.map(({ leader }) => leader), [1, 2]);
});

Deno.test("RecordBatcher keeps records without a key together, and gives the next ones to another partition", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 1, 1] });
  sender.answerWith = () => undefined;
  const partitions = [];
  for (let turn = 0; turn < 6; turn++) {
    const places = await Promise.all(["a", "b"].map((value) => add(value, { key: null })));
    const [first, second] = places.map((place) => Number(partitionOf(place)));
    assertEquals(first, second);
    partitions.push(first);
  }
  assertEquals(new Set(partitions.slice(0, 3)), new Set([0, 1, 2]));
  assertEquals(partitions.slice(3), partitions.slice(0, 3));
});

Deno.test("RecordBatcher gives records without a key to partitions that have a leader", async () => {
  const { sender, add } = aBatcher({ leaders: [-1, 1, -1] });
  sender.answerWith = ({ partition }) => partition === 1 ? undefined : AWAY;
  for (let turn = 0; turn < 5; turn++) {
    assertEquals(partitionOf(await add("a", { key: null })), "1", `turn ${turn}`);
  }
});

Deno.test("RecordBatcher gives records without a key to no partition that fails, also while it is tried again", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 2] });
  const failing = add("failing", { key: keyFor(0, 2) });
  await everythingSettled();
  sender.requests[0]?.answer({ 0: AWAY });
  await eventually(() => sender.requests.length === 2, { what: "the batch is tried again" });
  for (let turn = 0; turn < 4; turn++) {
    const place = add(`${turn}`, { key: null });
    await everythingSettled();
    assertEquals(sender.requests.at(-1)?.values, { 1: [`${turn}`] });
    sender.requests.at(-1)?.answer();
    assertEquals(partitionOf(await place), "1");
  }
  sender.requests[1]?.answer();
  await failing;

  sender.answerWith = () => undefined;
  const places = [await add("a", { key: null }), await add("b", { key: null })];
  assertEquals(new Set(places.map((place) => Number(partitionOf(place)))), new Set([0, 1]));
});

Deno.test("RecordBatcher gives records without a key to a partition again once its batch was given up", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 2], retries: 1 });
  sender.answerWith = ({ partition }) => partition === 0 ? AWAY : undefined;
  await assertRejects(() => add("failing", { key: keyFor(0, 2) }), ResultProcessorError, "away");

  sender.answerWith = () => undefined;
  const places = [];
  for (const value of ["a", "b", "c"]) places.push(await add(value, { key: null }));
  assertEquals(new Set(places.map((place) => Number(partitionOf(place)))), new Set([0, 1]));
});

Deno.test("RecordBatcher gives records without a key to a partition again once nobody wants its failed batch", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 2] });
  sender.answerWith = ({ partition }) => partition === 0 ? AWAY : undefined;
  const lease = new AbortController();
  const failing = add("failing", { key: keyFor(0, 2), signal: lease.signal });
  const givenUp = assertRejects(() => failing, ResultProcessorError, "given up");
  await eventually(() => sender.requests.length > 0, { what: "the batch fails" });
  lease.abort();
  await givenUp;

  sender.answerWith = () => undefined;
  await eventually(async () => partitionOf(await add("a", { key: null })) === "0", {
    deadlineMs: 5000,
    what: "a record for the partition that had failed",
  });
  assertEquals(partitionOf(await add("b", { key: null })), "1");
});

Deno.test("RecordBatcher lets a record wait for others, when linger.ms says so", async () => {
  const { sender, add } = aBatcher({ lingerMs: 100 });
  sender.answerWith = () => undefined;
  const startedAt = performance.now();
  const first = add("a");
  await everythingSettled();
  const second = add("b");
  await Promise.all([first, second]);
  assertEquals(sender.requests.map(({ values }) => values), [{ 0: ["a", "b"] }]);
  assert(performance.now() - startedAt >= 99);
});

Deno.test("RecordBatcher does not wait for others, when a batch is full", async () => {
  const { sender, add } = aBatcher({ lingerMs: 60_000, maxBatchRecords: 2 });
  sender.answerWith = () => undefined;
  const all = Promise.all([add("a"), add("b")]);
  await inTime(all, { deadlineMs: 5000, what: "both are stored" });
});

Deno.test("RecordBatcher keeps batches within their limits", async (t) => {
  await t.step("of records", async () => {
    const { sender, add } = aBatcher({ maxBatchRecords: 2 });
    sender.answerWith = () => undefined;
    await Promise.all(["a", "b", "c", "d", "e"].map((value) => add(value)));
    assertEquals(sender.requests.map(({ values }) => values[0]), [["a", "b"], ["c", "d"], ["e"]]);
  });
  await t.step("of bytes, where a single record may have more", async () => {
    const { sender, add } = aBatcher({ maxBatchBytes: 1000, maxBatchRecords: 100 });
    sender.answerWith = () => undefined;
    await Promise.all([300, 300, 300, 2000, 10].map((size) => add("v".repeat(size))));
    assertEquals(
      sender.requests.map(({ values }) => values[0]?.map(({ length }) => length)),
      [[300, 300], [300], [2000], [10]],
    );
    for (const { batches } of sender.requests.slice(0, 2)) {
      assert((batches[0]?.bytes ?? 0) <= 1000);
    }
  });
});

Deno.test("RecordBatcher sends the rest in turn, when a request would become too large", async () => {
  const { sender, add } = aBatcher({
    leaders: Array<number>(12).fill(1),
    maxRecordBytes: 2_000_000,
  });
  const value = "v".repeat(1_500_000);
  const partitions = Array.from({ length: 12 }, (_, partition) => partition);
  const places = partitions.map((partition) => add(value, { key: keyFor(partition, 12) }));
  await everythingSettled();
  sender.answerWith = () => undefined;
  sender.requests[0]?.answer();
  await Promise.all(places);
  assertEquals(
    sender.requests.map(({ batches }) => batches.map(({ partition }) => partition)),
    [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]],
  );
});

Deno.test("RecordBatcher sends no record that is too large, and says why", async () => {
  const { sender, add } = aBatcher({ maxRecordBytes: 1000 });
  sender.answerWith = () => undefined;
  const small = add("small");
  const { isTooLarge } = await assertRejects(
    () => add("PAYLOAD".repeat(200)),
    ResultProcessorError,
    "topic 'RESULTS': a record of 1489 bytes is not sent, as message.max.bytes is 1000",
  );
  assertEquals(isTooLarge, true);
  await small;
  await add("v".repeat(900));
  assertEquals(sender.stored.map(({ length }) => length), [5, 900]);
});

Deno.test("RecordBatcher tells who stored what, when only some partitions fail", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 1] });
  const failing = add("fails", { key: keyFor(0, 2) });
  const working = add("works", { key: keyFor(1, 2) });
  await everythingSettled();
  sender.requests[0]?.answer({ 0: DENIED });
  await assertRejects(() => failing, ResultProcessorError, "denied");
  assertEquals(partitionOf(await working), "1");
  assertEquals(sender.requests.length, 1);
});

Deno.test("RecordBatcher sends a batch again as it was, when that can help, and nothing of its partition before", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 1] });
  const failing = ["a", "b"].map((value) => add(value, { key: keyFor(0, 2) }));
  await everythingSettled();
  sender.requests[0]?.answer({ 0: AWAY });
  const later = add("later", { key: keyFor(0, 2) });
  const other = add("other", { key: keyFor(1, 2) });
  sender.answerWith = () => undefined;
  await Promise.all([...failing, later, other]);

  const [first, ...others] = sender.requests;
  assertEquals(first?.batches[0], others.find(({ values }) => values[0]?.[0] === "a")?.batches[0]);
  assertEquals(sender.stored.filter((value) => value !== "other"), ["a", "b", "later"]);
  assertEquals(sender.forgotten, []);
  assertEquals(sender.refreshes, 1);
});

Deno.test("RecordBatcher gives a batch up after as many repetitions as are configured", async () => {
  const { sender, add } = aBatcher({ retries: 2 });
  sender.answerWith = () => AWAY;
  await assertRejects(() => add("a"), ResultProcessorError, "away");
  assertEquals(sender.requests.length, 3);
  assertEquals(sender.forgotten, sender.requests[0]?.batches);
});

Deno.test("RecordBatcher gives brokers time before it repeats", async () => {
  const backoff = { reconnectBackoffMs: 40, reconnectBackoffMaxMs: 60 };
  const { sender, add } = aBatcher({ retries: 3, ...backoff });
  sender.answerWith = () => sender.requests.length <= 3 ? AWAY : undefined;
  const startedAt = performance.now();
  await add("a");
  assert(performance.now() - startedAt >= 20 + 30 + 30 - 3);
});

Deno.test("RecordBatcher fails only what is refused by itself", async (t) => {
  for (const refusal of [INVALID, TOO_LARGE]) {
    await t.step(refusal.remedy, async () => {
      const { sender, add } = aBatcher();
      sender.answerWith = (batch) =>
        valuesIn(batch).some((value) => value.startsWith("bad")) ? refusal : undefined;
      const values = Array.from({ length: 100 }, (_, i) => i % 37 === 5 ? `bad ${i}` : `good ${i}`);
      const results = await Promise.allSettled(values.map((value) => add(value)));
      assertEquals(
        results.map(({ status }) => status === "fulfilled"),
        values.map((value) => value.startsWith("good")),
      );
      assertEquals(sender.stored, values.filter((value) => value.startsWith("good")));
      for (const result of results) {
        if (result.status === "rejected") assertEquals(result.reason, refusal.error);
      }
    });
  }
});

Deno.test("RecordBatcher makes batches as small as a topic takes them, once it was told", async () => {
  const { sender, add } = aBatcher();
  sender.answerWith = ({ bytes }) => bytes > 10_000 ? TOO_LARGE : undefined;
  const send = () => Promise.all(Array.from({ length: 1000 }, (_, index) => add(`${index}`)));
  await send();
  const learning = sender.requests.length;
  await send();
  const refused = sender.requests.slice(learning)
    .filter(({ batches }) => batches.some(({ bytes }) => bytes > 10_000));
  assertEquals(refused.length, 0);
  assert(
    sender.requests.length - learning <= 10,
    `${sender.requests.length - learning} requests`,
  );
  assertEquals(sender.stored.length, 2000);
});

Deno.test("RecordBatcher does not send what is given up while it waits", async () => {
  const { sender, add } = aBatcher();
  const lease = new AbortController();
  const underWay = add("under way", { signal: lease.signal });
  await everythingSettled();
  const waiting = add("waiting", { signal: lease.signal });
  const other = add("other");

  lease.abort();

  await assertRejects(() => waiting, ResultProcessorError, "given up before it was stored");
  sender.answerWith = () => undefined;
  sender.requests[0]?.answer();
  await Promise.all([underWay, other]);
  assertEquals(sender.stored, ["under way", "other"]);
  await assertRejects(
    () => add("late", { signal: lease.signal }),
    ResultProcessorError,
    "given up before it was stored",
  );
});

Deno.test("RecordBatcher does not repeat what is given up meanwhile", async (t) => {
  for (const moment of ["under way", "paused"]) {
    await t.step(moment, async () => {
      const backoff = { reconnectBackoffMs: 200, reconnectBackoffMaxMs: 200 };
      const { sender, add } = aBatcher(backoff);
      const lease = new AbortController();
      const gone = assertRejects(
        () => add("gone", { signal: lease.signal }),
        ResultProcessorError,
        "given up",
      );
      const other = add("other");
      await everythingSettled();

      if (moment === "under way") lease.abort();
      sender.requests[0]?.answer({ 0: AWAY });
      await everythingSettled();
      lease.abort();

      await gone;
      sender.answerWith = () => undefined;
      await other;
      assertEquals(sender.stored, ["other"]);
      // Its numbers must not be used for a batch that holds something else.
      assertEquals(sender.forgotten, sender.requests[0]?.batches);
    });
  }
});

Deno.test("RecordBatcher waits for what is under way when it is closed, and gives up the rest", async () => {
  const { sender, add, batcher } = aBatcher();
  const underWay = add("under way");
  await everythingSettled();
  const waiting = assertRejects(() => add("waiting"), ResultProcessorError);
  const closed = batcher.close(60_000);
  await waiting;
  await assertRejects(() => add("late"), ResultProcessorError);
  sender.requests[0]?.answer();
  await closed;
  assertEquals((await underWay).split("@")[1], "0");
});

Deno.test("RecordBatcher repeats nothing once it is closed", async () => {
  const { sender, add, batcher } = aBatcher();
  const underWay = assertRejects(() => add("under way"), ResultProcessorError);
  await everythingSettled();
  const closed = batcher.close(60_000);
  sender.requests[0]?.answer({ 0: AWAY });
  await Promise.all([underWay, closed]);
  assertEquals(sender.requests.length, 1);
});

Deno.test("RecordBatcher closes in time, when a leader does not answer", async () => {
  const { sender, add, batcher } = aBatcher();
  void add("a");
  await eventually(() => sender.requests.length === 1, { what: "a request" });
  await inTime(batcher.close(10), { deadlineMs: 5000, what: "it is closed" });
});

Deno.test("RecordBatcher sends a record back to the partition that it came from", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 1, 1] });
  for (const key of ["key", "other", null]) {
    add(`${key}`, { key, putBackTo: originOf("RESULTS", "2") });
  }
  await everythingSettled();
  assertEquals(sender.requests.map(({ values }) => values), [{ 2: ["key", "other", "null"] }]);
});

Deno.test("RecordBatcher sends a record where its key belongs, when it does not come from there", async () => {
  const { sender, add } = aBatcher({ leaders: [1, 1, 1] });
  const key = keyFor(1, 3);
  add("of another topic", { key, putBackTo: originOf("FORMER", "2") });
  add("of a partition that is gone", { key, putBackTo: originOf("RESULTS", "3") });
  await everythingSettled();
  assertEquals(sender.requests.map(({ values }) => values), [
    { 1: ["of another topic", "of a partition that is gone"] },
  ]);
});

Deno.test("RecordBatcher keeps records without a key together that came from a partition that is gone", async () => {
  const { add } = aBatcherThatAnswers();
  for (const [topic, partition] of [["RESULTS", "4"], ["FORMER", "4"], ["FORMER", "1"]] as const) {
    const place = await add("back", { key: null, putBackTo: originOf(topic, partition) });
    assertEquals(partitionOf(place), "1");
  }
});

Deno.test("RecordBatcher goes by the key, when an origin names no partition", async () => {
  const { add } = aBatcherThatAnswers();
  for (const partition of ["", "-1", "two", "99999999999"]) {
    const place = await add("back", {
      key: keyFor(1, 3),
      putBackTo: originOf("RESULTS", partition),
    });
    assertEquals(partitionOf(place), "1", partition);
  }
});

Deno.test("RecordBatcher sends records of an order group to one partition, whatever their keys", async () => {
  const { add } = aBatcherThatAnswers();
  for (const key of [null, null, keyFor(0, 3), keyFor(2, 3)]) {
    assertEquals(partitionOf(await add("of group 1", { key, orderGroup: "1" })), "1");
    assertEquals(partitionOf(await add("of group 5", { key, orderGroup: "5" })), "2");
  }
});

Deno.test("RecordBatcher says where it stored each record of a batch", async () => {
  const { add } = aBatcherThatAnswers();
  const places = await Promise.all(["a", "b", "c"].map((value) => add(value)));
  const [topicAndPartition = "", first = ""] = places[0]?.split("@") ?? [];
  assertEquals(places, [0, 1, 2].map((index) => `${topicAndPartition}@${Number(first) + index}`));
});

function originOf(topic: string, partition: string): ReadonlyMap<string, string> {
  return new Map([["topic", topic], ["partition", partition]]);
}

function aBatcherThatAnswers() {
  const { sender, ...others } = aBatcher({ leaders: [1, 1, 1] });
  sender.answerWith = () => undefined;
  return others;
}

function partitionOf(place: string): string | undefined {
  return /^RESULTS\[(\d+)\]@\d+$/.exec(place)?.[1];
}

function offsetOf(place: string): number {
  return Number(place.split("@")[1]);
}

function aBatcher(
  { leaders: each, ...options }: Partial<BatcherOptions> & { leaders?: number[] } = {},
) {
  const sender = new FakeSender(each === undefined ? {} : { leaders: each });
  const batcher = new RecordBatcher(sender, { ...OPTIONS, ...options });
  function add(
    value: string,
    { key = "key", signal = NEVER, ...rest }:
      & { key?: string | null; signal?: AbortSignal }
      & Pick<OutboundRecord, "putBackTo" | "orderGroup"> = {},
  ) {
    const record: OutboundRecord = {
      key: key === null ? null : bytes(key),
      value: bytes(value),
      headers: [],
      ...rest,
    };
    return batcher.add(record, signal);
  }
  return { sender, batcher, add };
}

function keyFor(partition: number, count: number): string {
  for (let number = 0;; number++) {
    if (partitionOfKey(bytes(`${number}`), count) === partition) return `${number}`;
  }
}

function valuesIn({ records }: { records: readonly { value: Uint8Array | null }[] }): string[] {
  return records.map(({ value }) => new TextDecoder().decode(value ?? undefined));
}
