import { assertEquals } from "@std/assert";
import { LargeRecords } from "../../../../src/transports/kafka/consumer/large_records.ts";
import { promisesSettled } from "../../../support/eventually.ts";

const MEBIBYTE = 1024 * 1024;

Deno.test("LargeRecords lets large records wait until there is room for them together", async () => {
  const large = new LargeRecords({ maxBytes: 10 * MEBIBYTE });
  const entered: string[] = [];
  const hold = async (name: string, mebibytes: number) => {
    const held = await large.hold(mebibytes * MEBIBYTE);
    entered.push(name);
    return held;
  };
  const first = await hold("first", 6);
  const second = hold("second", 6);
  const third = hold("third", 4);
  await promisesSettled();
  assertEquals(entered, ["first", "third"]);

  first.release();
  first.release();
  (await third).release();
  (await second).release();
  assertEquals(entered, ["first", "third", "second"]);
});

Deno.test("LargeRecords lets a record pass alone that is larger than all may be together, and small ones always", async () => {
  const large = new LargeRecords({ maxBytes: 10 * MEBIBYTE });
  const huge = await large.hold(100 * MEBIBYTE);
  const small = await large.hold(MEBIBYTE);
  small.release();
  let hasEntered = false;
  const other = large.hold(2 * MEBIBYTE).then((held) => {
    hasEntered = true;
    return held;
  });
  await promisesSettled();
  assertEquals(hasEntered, false);
  huge.release();
  (await other).release();
});
