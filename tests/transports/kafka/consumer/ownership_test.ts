import { assertEquals } from "@std/assert";
import { CommitState } from "../../../../src/transports/kafka/consumer/commit_state.ts";
import { Ownership } from "../../../../src/transports/kafka/consumer/ownership.ts";
import { promisesSettled } from "../../../support/eventually.ts";

/** A partition that was committed at 5, with a commit of 7 under way, and fetched up to 9. */
function aPartition() {
  const commits = new CommitState(5);
  commits.send({ offset: 7, note: "" });
  const ownership = new Ownership();
  const confirm = (offset: number) => ownership.confirm(offset, { fetchedEnd: 9, commits });
  return { ownership, confirm };
}

Deno.test("Ownership is confirmed until a rebalance, wherever fetches begin", () => {
  const { ownership, confirm } = aPartition();
  assertEquals([ownership.isConfirmed, confirm(100)], [true, true]);
});

Deno.test("Ownership is confirmed after a rebalance by a fetch from what was committed, or may have been", async (t) => {
  for (const [offset, isContinued] of [[5, true], [7, true], [4, false], [6, false], [9, false]]) {
    await t.step(`from ${offset}`, async () => {
      const { ownership, confirm } = aPartition();
      ownership.unconfirm();
      let isConfirmed = false;
      ownership.confirmed.then(() => isConfirmed = true);
      assertEquals(confirm(Number(offset)), isContinued);
      await promisesSettled();
      assertEquals([ownership.isConfirmed, isConfirmed], [isContinued, isContinued]);
    });
  }
});

Deno.test("Ownership is confirmed after a reset by a fetch from the end on, as a new topic begins below it", async (t) => {
  for (const [offset, isContinued] of [[5, false], [7, false], [9, true], [10, true]] as const) {
    await t.step(`from ${offset}`, () => {
      const { ownership, confirm } = aPartition();
      ownership.unconfirm();
      ownership.unconfirm({ wasReset: true });
      ownership.unconfirm();
      assertEquals([confirm(offset), ownership.isConfirmed], [isContinued, isContinued]);
    });
  }
});
