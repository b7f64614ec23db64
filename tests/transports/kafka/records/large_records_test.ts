import { assertEquals } from "@std/assert";
import {
  type Held,
  type LargeRecordRoom,
  LargeRecords,
} from "../../../../src/transports/kafka/records/large_records.ts";
import { promisesSettled } from "../../../support/eventually.ts";

const MEBIBYTE = 1024 * 1024;

/** Asks for room, and notes who gets it. */
class Holders {
  readonly granted: string[] = [];

  hold(name: string, room: LargeRecordRoom, mebibytes: number): Held {
    const held = room.hold(mebibytes * MEBIBYTE);
    held.granted.then(() => this.granted.push(name));
    return held;
  }
}

/** There are 40 MiB in all, and 10 MiB for records beyond the first of each partition. */
function largeRecords(): LargeRecords {
  return new LargeRecords({ maxBufferedBytes: 80 * MEBIBYTE });
}

Deno.test("LargeRecords lets a partition hold several large records, up to a quarter of the room", async () => {
  const holders = new Holders();
  const room = largeRecords().room();
  const first = holders.hold("first", room, 6);
  const second = holders.hold("second", room, 4);
  holders.hold("third", room, 1);
  await promisesSettled();
  assertEquals(holders.granted, ["first", "second"]);

  second.release();
  second.release();
  await promisesSettled();
  assertEquals(holders.granted, ["first", "second", "third"]);
  first.release();
});

Deno.test("LargeRecords lets each partition hold one large record, however many another one holds", async () => {
  const holders = new Holders();
  const records = largeRecords();
  const blocked = records.room();
  holders.hold("blocked", blocked, 8);
  holders.hold("blocked, ahead", blocked, 2);
  const other = records.room();
  const held = holders.hold("other", other, 8);
  await promisesSettled();
  assertEquals(holders.granted, ["blocked", "blocked, ahead", "other"]);

  const next = holders.hold("other, next", other, 8);
  await promisesSettled();
  assertEquals(holders.granted.length, 3);
  held.release();
  await next.granted;
});

Deno.test("LargeRecords lets partitions wait for their first large record while all that they may take together is taken", async () => {
  const holders = new Holders();
  const records = largeRecords();
  const holding = [1, 2, 3, 4].map((number) => holders.hold(`${number}`, records.room(), 9));
  holders.hold("fifth", records.room(), 9);
  holders.hold("sixth, smaller", records.room(), 2);
  await promisesSettled();
  assertEquals(holders.granted, ["1", "2", "3", "4"]);

  holding[2]!.release();
  await promisesSettled();
  assertEquals(holders.granted, ["1", "2", "3", "4", "fifth", "sixth, smaller"]);
});

Deno.test("LargeRecords gives the room beyond the first record of each partition to one partition after the other", async () => {
  const holders = new Holders();
  const records = largeRecords();
  const [one, other] = [records.room(), records.room()];
  holders.hold("one", one, 2);
  holders.hold("other", other, 2);
  const ahead = holders.hold("one, ahead", one, 5);
  holders.hold("other, ahead", other, 5);
  await promisesSettled();
  ahead.release();
  holders.hold("one, ahead again", one, 1);
  await promisesSettled();
  assertEquals(holders.granted, [
    "one",
    "other",
    "one, ahead",
    "other, ahead",
    "one, ahead again",
  ]);
});

Deno.test("LargeRecords lets a record pass alone that is larger than all may be together, and small ones always", async () => {
  const holders = new Holders();
  const records = largeRecords();
  const huge = holders.hold("huge", records.room(), 100);
  holders.hold("small", records.room(), 1 / 8);
  holders.hold("other", records.room(), 2);
  await promisesSettled();
  assertEquals(holders.granted.toSorted(), ["huge", "small"]);

  huge.release();
  await promisesSettled();
  assertEquals(holders.granted.toSorted(), ["huge", "other", "small"]);
});

Deno.test("LargeRecords keeps nobody waiting for a record that is given up", async () => {
  const holders = new Holders();
  const records = largeRecords();
  const holding = holders.hold("holding", records.room(), 39);
  const givenUp = holders.hold("given up", records.room(), 9);
  holders.hold("behind", records.room(), 1);
  await promisesSettled();
  assertEquals(holders.granted, ["holding"]);

  givenUp.release();
  await promisesSettled();
  assertEquals(holders.granted.toSorted(), ["behind", "given up", "holding"]);
  holding.release();
});
