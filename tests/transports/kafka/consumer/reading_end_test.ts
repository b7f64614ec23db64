import { assertEquals, assertRejects } from "@std/assert";
import { Delivery } from "../../../../src/core/delivery.ts";
import { LeaseController } from "../../../../src/core/lease.ts";
import { type Deliver, EventNotSettledError } from "../../../../src/core/listener.ts";
import { ReadingEnd } from "../../../../src/transports/kafka/consumer/reading_end.ts";
import { assign } from "../../../support/kafka/assign.ts";
import { anEvent } from "../../../support/events.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { FakeRecords } from "../../../support/kafka/fetched_records.ts";

/** An end at offset 10 of partition 0, and what has been said of it. */
function anEnd({ ends = [[0, 10]], commits = true }: {
  ends?: readonly (readonly [partition: number, offset: number])[];
  commits?: boolean;
} = {}) {
  const end = new ReadingEnd({ ends: new Map(ends), commits, onCommit: () => {} });
  let isReached = false;
  end.reached.then(() => isReached = true);
  async function reached(): Promise<boolean> {
    await promisesSettled();
    return isReached;
  }
  return { end, reached };
}

Deno.test("ReadingEnd is reached when each partition has been fetched up to its end", async () => {
  const { end, reached } = anEnd({ ends: [[0, 10], [1, 20]] });
  end.assign([0, 1]);
  assertEquals(end.isFetched(0, { nextOffset: 10, held: undefined }), true);
  assertEquals(end.isFetched(1, { nextOffset: 19, held: undefined }), false);
  assertEquals(await reached(), false);
  assertEquals(end.isFetched(1, { nextOffset: 25, held: undefined }), true);
  assertEquals(await reached(), true);
});

Deno.test("ReadingEnd is reached at once, when the member has no partitions", async () => {
  const { end, reached } = anEnd();
  assertEquals(await reached(), false);
  end.assign([]);
  assertEquals(await reached(), true);
});

Deno.test("ReadingEnd has nothing to read of a partition that it does not know", async () => {
  const { end, reached } = anEnd();
  end.assign([7]);
  assertEquals(end.isFetched(7, { nextOffset: 0, held: undefined }), true);
  assertEquals(await reached(), true);
});

for (const commits of [true, false]) {
  const last = commits ? "committed" : "settled";
  Deno.test(`ReadingEnd waits until what was fetched is ${last}, when it ${commits ? "is" : "is not"} to be committed`, async () => {
    const { end, reached } = anEnd({ commits });
    const { assigned: held, pipeline } = assign({ nextOffset: 5 });
    end.assign([0]);
    held.enqueue([FakeRecords.at(5, 6)], 10);
    await promisesSettled();
    pipeline.settle("T[0]@5");
    await promisesSettled();
    assertEquals(end.isFetched(0, { nextOffset: 10, held }), true);
    assertEquals(await reached(), false);

    pipeline.settle("T[0]@6");
    await promisesSettled();
    if (commits) {
      end.isFetched(0, { nextOffset: 10, held });
      assertEquals(await reached(), false);
      held.commits.stored(held.committable);
    }
    end.isFetched(0, { nextOffset: 10, held });
    assertEquals(await reached(), true);
  });
}

Deno.test("ReadingEnd is reached though records were deleted that it would have come to", async () => {
  const { end, reached } = anEnd();
  const { assigned: held, pipeline } = assign({ nextOffset: 5 });
  end.assign([0]);
  held.enqueue([FakeRecords.at(5)], 6);
  await promisesSettled();
  pipeline.settle("T[0]@5");
  await promisesSettled();
  held.commits.stored({ offset: 6, note: "" });
  end.isFetched(0, { nextOffset: 10, held });
  assertEquals(await reached(), true);
});

Deno.test("ReadingEnd believes the group's position of a partition in doubt", async () => {
  const { end, reached } = anEnd();
  const { assigned: held } = assign({ nextOffset: 5 });
  held.enqueue([FakeRecords.at(5, 6)], 10);
  held.ownership.unconfirm();
  end.assign([0]);
  assertEquals(end.isFetched(0, { nextOffset: 7, held }), false);
  assertEquals(end.isFetched(0, { nextOffset: 10, held }), true);
  assertEquals(await reached(), true);
});

Deno.test("ReadingEnd forgets with each assignment what was read", async () => {
  const { end, reached } = anEnd({ ends: [[0, 10], [1, 10]] });
  end.assign([0, 1]);
  end.isFetched(0, { nextOffset: 10, held: undefined });
  end.assign([0, 1]);
  end.isFetched(1, { nextOffset: 10, held: undefined });
  assertEquals(await reached(), false);
});

Deno.test("ReadingEnd has nothing delivered from its end on", async () => {
  const { end } = anEnd();
  const delivered: number[] = [];
  const deliver: Deliver = ({ event: { position } }) =>
    Promise.resolve(void delivered.push(position));
  const lease = new LeaseController();
  await end.bounded(0, deliver)(new Delivery(anEvent({ offset: 9 }), lease));
  for (const [partition, offset] of [[0, 10], [7, 0]] as const) {
    await assertRejects(
      () => end.bounded(partition, deliver)(new Delivery(anEvent({ partition, offset }), lease)),
      EventNotSettledError,
    );
  }
  assertEquals(delivered, [9]);
});
