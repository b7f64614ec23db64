import { assertEquals } from "@std/assert";
import { EventNotSettledError } from "../../../../src/core/listener.ts";
import type {
  AssignedPartition,
} from "../../../../src/transports/kafka/consumer/assigned_partition.ts";
import { assign, type Assigned } from "../../../support/kafka/assign.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import type { FakeDeliver } from "../../../support/fakes/deliver.ts";
import { FakeRecords } from "../../../support/kafka/fetched_records.ts";

Deno.test("AssignedPartition.idle() resolves at once, when it holds no event", async () => {
  await assign().assigned.idle();
});

Deno.test("AssignedPartition.idle() resolves at once, when nothing has begun of what it holds and its lease is suspended", async () => {
  const { assigned } = await withEvents();
  assigned.lease.suspend();
  await assigned.idle();
});

Deno.test("AssignedPartition.idle() waits for every event that was delivered, when its lease is ending", async () => {
  const { assigned, pipeline } = await withEvents();
  begin(pipeline, 0);
  assigned.lease.beginEnd();
  const isIdle = watchIdle(assigned);

  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(isIdle(), false);

  for (const place of pipeline.running) pipeline.reject(place, new EventNotSettledError("ended"));
  await promisesSettled();
  assertEquals(isIdle(), true);
});

Deno.test("AssignedPartition.idle() waits for what has begun or lies between, when its lease is suspended", async () => {
  const { assigned, pipeline } = await withEvents();
  for (const offset of [0, 2]) begin(pipeline, offset);
  assigned.lease.suspend();
  const isIdle = watchIdle(assigned);

  for (const offset of [2, 0]) {
    pipeline.settle(`T[0]@${offset}`);
    await promisesSettled();
    assertEquals(isIdle(), false, "event 1 lies between");
  }

  begin(pipeline, 1);
  assertEquals(isIdle(), false, "the outcome is not known yet");
  pipeline.settle("T[0]@1");
  await promisesSettled();
  assertEquals(isIdle(), true);
  assertEquals(assigned.tracker.committable, 3);
});

Deno.test("AssignedPartition.idle() does not wait for what is repeated, or lies behind that, when its lease is suspended", async () => {
  const { assigned, pipeline } = await withEvents();
  for (const offset of [0, 1, 3]) begin(pipeline, offset);
  assigned.lease.suspend();
  const isIdle = watchIdle(assigned);

  pipeline.settle("T[0]@3");
  await promisesSettled();
  pipeline.at("T[0]@1").enter("backingOff");
  await promisesSettled();
  assertEquals(isIdle(), false, "event 0 is under way");

  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(isIdle(), true);
});

Deno.test("AssignedPartition.idle() resolves when the last work of a suspended lease has failed", async () => {
  const { assigned, pipeline } = await withEvents();
  begin(pipeline, 0);
  assigned.lease.suspend();
  const isIdle = watchIdle(assigned);
  pipeline.at("T[0]@0").enter("backingOff");
  await promisesSettled();
  assertEquals(isIdle(), true);
});

Deno.test("AssignedPartition.idle() resolves for all who wait, and waits anew for what comes later", async () => {
  const { assigned, pipeline } = await withEvents();
  begin(pipeline, 0);
  assigned.lease.suspend();
  const first = [watchIdle(assigned), watchIdle(assigned)];
  pipeline.settle("T[0]@0");
  await promisesSettled();
  assertEquals(first.map((isIdle) => isIdle()), [true, true]);

  assigned.lease.resume();
  begin(pipeline, 1);
  assigned.lease.suspend();
  const isIdle = watchIdle(assigned);
  await promisesSettled();
  assertEquals(isIdle(), false);
  pipeline.settle("T[0]@1");
  await promisesSettled();
  assertEquals(isIdle(), true);
});

/** A partition that has delivered the events 0 to 4; the test says which of them begin. */
async function withEvents(): Promise<Assigned> {
  const all = assign();
  all.assigned.enqueue([FakeRecords.at(0, 1, 2, 3, 4)], 5);
  await promisesSettled();
  return all;
}

/** Has work on an event begin. */
function begin(pipeline: FakeDeliver, offset: number): void {
  pipeline.at(`T[0]@${offset}`).enter("calling");
}

function watchIdle(assigned: AssignedPartition): () => boolean {
  let isIdle = false;
  assigned.idle().then(() => isIdle = true);
  return () => isIdle;
}
