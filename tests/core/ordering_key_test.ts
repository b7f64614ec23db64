import { assertEquals } from "@std/assert";
import type { Bytes } from "../../src/core/event.ts";
import { Delivery } from "../../src/core/delivery.ts";
import { LeaseController } from "../../src/core/lease.ts";
import { EventNotSettledError } from "../../src/core/listener.ts";
import { inOrder, type Ordering } from "../../src/core/ordering.ts";
import { promisesSettled } from "../support/eventually.ts";
import { anEvent, bytes } from "../support/events.ts";
import { FakeDeliver } from "../support/fakes/deliver.ts";
import { seededRandom } from "../support/seeded_random.ts";

/** Keys that are easily taken for another: as text, as numbers, or when only a part of them is looked at. */
const DIFFERENT_KEYS: Record<string, Bytes | null> = {
  "no key": null,
  "an empty key": new Uint8Array(),
  "the text null": bytes("null"),
  "a": bytes("a"),
  "A": bytes("A"),
  "a and a space": bytes("a "),
  "a and a zero byte": bytes("a\0"),
  "a zero byte": bytes("\0"),
  "two zero bytes": bytes("\0\0"),
  "1": bytes("1"),
  "1.0": bytes("1.0"),
  "é in one character": bytes("\u00e9"),
  "é in two characters": bytes("e\u0301"),
  "invalid UTF-8": Uint8Array.of(0xff),
  "other invalid UTF-8": Uint8Array.of(0xfe),
  "what stands for invalid UTF-8": bytes("\ufffd"),
  "half a character": Uint8Array.of(0xc3),
  "é in Latin-1": Uint8Array.of(0xe9),
  "a byte order mark and a": bytes("\ufeffa"),
  "bytes 1, 2": Uint8Array.of(1, 2),
  "bytes 2, 1": Uint8Array.of(2, 1),
  "4,096 bytes": longKey(4096),
  "4,097 bytes": longKey(4097),
  "100,000 bytes": longKey(100_000),
  "100,000 bytes with another first": longKey(100_000, { at: 0 }),
  "100,000 bytes with another where the first part ends": longKey(100_000, { at: 4095 }),
  "100,000 bytes with another last": longKey(100_000, { at: 99_999 }),
};

Deno.test("inOrder() by key runs different keys side by side, and equal ones one after the other", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, "key");
  const lease = new LeaseController();
  const keys = Object.values(DIFFERENT_KEYS);

  for (const [offset, key] of keys.entries()) {
    deliver(new Delivery(anEvent({ topic: "T", offset, key }), lease));
  }
  for (const [index, key] of keys.entries()) {
    const copy = key && new Uint8Array(key);
    deliver(new Delivery(anEvent({ topic: "T", offset: keys.length + index, key: copy }), lease));
  }
  await promisesSettled();
  assertEquals(pipeline.started, keys.map((_, offset) => `T[0]@${offset}`));

  for (const [offset, name] of Object.keys(DIFFERENT_KEYS).entries()) {
    pipeline.settle(`T[0]@${offset}`);
    await promisesSettled();
    assertEquals(pipeline.started.at(-1), `T[0]@${keys.length + offset}`, name);
  }
});

Deno.test("inOrder() by key knows a key by its bytes, when it is a part of a larger buffer", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, "key");
  const lease = new LeaseController();
  const buffer = bytes("abcabc");

  const keys = [buffer.subarray(0, 3), buffer.subarray(3, 6), buffer.subarray(1, 4)];
  for (const [offset, key] of keys.entries()) {
    deliver(new Delivery(anEvent({ topic: "T", offset, key }), lease));
  }
  await promisesSettled();
  assertEquals(pipeline.started, ["T[0]@0", "T[0]@2"]);
});

Deno.test("inOrder() by key keeps keys of different leases apart", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, "key");
  const leases = [new LeaseController(), new LeaseController()];
  for (const [partition, lease] of leases.entries()) {
    for (const offset of [1, 2]) {
      deliver(new Delivery(anEvent({ topic: "T", partition, offset }), lease));
    }
  }
  await promisesSettled();
  assertEquals(pipeline.started, ["T[0]@1", "T[1]@1"]);
});

Deno.test("inOrder() by partition runs different keys one after the other", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, "partition");
  const lease = new LeaseController();
  for (const [offset, key] of [bytes("a"), bytes("b"), null].entries()) {
    deliver(new Delivery(anEvent({ topic: "T", offset, key }), lease));
  }
  for (const offset of [0, 1, 2]) {
    await promisesSettled();
    assertEquals(pipeline.running, [`T[0]@${offset}`]);
    pipeline.settle(`T[0]@${offset}`);
  }
});

Deno.test("inOrder() by nothing runs equal keys side by side", async () => {
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, "none");
  const lease = new LeaseController();
  for (const offset of [0, 1, 2]) deliver(new Delivery(anEvent({ topic: "T", offset }), lease));
  await promisesSettled();
  assertEquals(pipeline.running, ["T[0]@0", "T[0]@1", "T[0]@2"]);
});

Deno.test("inOrder() by key keeps every key in order and to one event at a time, in whatever order calls end", async () => {
  const random = seededRandom(1);
  const pipeline = new FakeDeliver();
  const deliver = inOrder(pipeline.deliver, "key");
  const lease = new LeaseController();
  const keys = Array.from({ length: 500 }, () => Math.floor(random() * 7));
  const keyOf = (place: string) => keys[Number(place.slice(place.indexOf("@") + 1))];
  for (const [offset, key] of keys.entries()) {
    const event = anEvent({ topic: "T", offset, key: key === 0 ? null : bytes(`${key}`) });
    deliver(new Delivery(event, lease));
  }

  for (let settled = 0; settled < keys.length; settled++) {
    await promisesSettled();
    const { running } = pipeline;
    assertEquals(new Set(running.map(keyOf)).size, running.length, `two of a key: ${running}`);
    pipeline.settle(running[Math.floor(random() * running.length)] ?? "none runs");
  }

  for (let key = 0; key < 7; key++) {
    const offsets = [...keys.keys()].filter((offset) => keys[offset] === key);
    assertEquals(
      pipeline.started.filter((place) => keyOf(place) === key),
      offsets.map((offset) => `T[0]@${offset}`),
    );
  }
});

for (const ordering of ["key", "partition"] as const) {
  Deno.test(`inOrder() by ${ordering} keeps nothing of an ordering key when all its events have ended`, async () => {
    const pipeline = new FakeDeliver();
    const { deliver, keys } = withKeysInSight(pipeline, ordering);
    const count = ordering === "key" ? 3 : 1;

    const all = ["a", "b", "c", "c"].map((key, offset) => deliver(offset, bytes(key)));
    await promisesSettled();
    assertEquals(keys.size, count);

    for (const offset of [0, 1, 2]) {
      if (offset === 1) pipeline.reject("T[0]@1", new EventNotSettledError("given up"));
      else pipeline.settle(`T[0]@${offset}`);
      await promisesSettled();
    }
    assertEquals(keys.size, 1, "an event still runs");

    pipeline.settle("T[0]@3");
    await Promise.allSettled(all);
    await promisesSettled();
    assertEquals(keys.size, 0);
  });
}

/** The only way to see that memory is given back: the map that the first event of a lease creates. */
function withKeysInSight(pipeline: FakeDeliver, ordering: Ordering) {
  const maps: Map<unknown, unknown>[] = [];
  const OriginalMap = globalThis.Map;
  const inOrderDeliver = inOrder(pipeline.deliver, ordering);
  const lease = new LeaseController();
  const deliver = (offset: number, key: Bytes) => {
    const handled = inOrderDeliver(new Delivery(anEvent({ topic: "T", offset, key }), lease));
    handled.catch(() => {});
    return handled;
  };
  globalThis.Map = class<Key, Value> extends OriginalMap<Key, Value> {
    constructor() {
      super();
      maps.push(this as unknown as Map<unknown, unknown>);
    }
  } as unknown as MapConstructor;
  try {
    deliver(-1, bytes("first"));
  } finally {
    globalThis.Map = OriginalMap;
  }
  pipeline.settle("T[0]@-1");
  const [keys] = maps;
  if (keys === undefined) throw new Error("No map was made: look for the keys elsewhere");
  return { deliver, keys };
}

function longKey(length: number, { at }: { at?: number } = {}): Bytes {
  const key = new Uint8Array(length).fill(120);
  if (at !== undefined) key[at] = 121;
  return key;
}
