import { assertEquals } from "@std/assert";
import { EventNotSettledError } from "../../../src/listener.ts";
import type { Limits } from "../../../src/transport.ts";
import { AssignedPartition } from "../../../src/transports/kafka/assigned_partition.ts";
import { everythingSettled } from "../../support/eventually.ts";
import { FakeDeliver } from "../../support/fake_deliver.ts";
import { aRecord, FakeRecords } from "../../support/fetched_records.ts";
import { DEFAULT_LIMITS } from "../../support/limits.ts";

Deno.test("AssignedPartition delivers events in the order of their offsets, each once", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([records(5, 2), records(7, 3)], 10);
  assigned.enqueue([records(10, 1)], 11);
  await everythingSettled();
  assertEquals(pipeline.started, places(5, 6, 7, 8, 9, 10));
});

Deno.test("AssignedPartition has committed what lies before its first offset", () => {
  const { assigned: { partition, committed, tracker } } = assign({ nextOffset: 100 });
  assertEquals({ partition, committed, committable: tracker.committable }, {
    partition: 0,
    committed: 100,
    committable: 100,
  });
});

Deno.test("AssignedPartition commits what has settled, and nothing that was only delivered", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([records(5, 3)], 8);
  await everythingSettled();
  assertEquals(assigned.tracker.committable, 5);

  pipeline.settle("T[0]@6");
  await everythingSettled();
  assertEquals(assigned.tracker.committable, 5);

  pipeline.settle("T[0]@5");
  await everythingSettled();
  assertEquals(assigned.tracker.committable, 7);
});

Deno.test("AssignedPartition does not settle an event that was given up", async () => {
  const { assigned, pipeline, failures } = assign({ nextOffset: 5 });
  assigned.enqueue([records(5, 1)], 6);
  await everythingSettled();
  pipeline.reject("T[0]@5", new EventNotSettledError("the lease ended"));
  await everythingSettled();
  assertEquals({ committable: assigned.tracker.committable, failures }, {
    committable: 5,
    failures: [],
  });
});

Deno.test("AssignedPartition says where it cannot read, and how to go on", async () => {
  const damaged = "cannot decompress gzip: it takes more than 64 MiB uncompressed";
  const { assigned, pipeline, failures } = assign({ nextOffset: 5 });
  const unreadable = records(7, 2);
  unreadable.open = () => Promise.reject(new Error(damaged));
  assigned.enqueue([records(5, 2), unreadable], 9);
  await everythingSettled();

  assertEquals(pipeline.started, places(5, 6));
  assertEquals(failures.map(String), [
    `Error: cannot read T[0] up to offset 8: ${damaged}; to go on without these events, set the ` +
    "group's offset there to 9",
  ]);
});

Deno.test("AssignedPartition delivers nothing more, when it is being given up", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.lease.beginEnd();
  assigned.enqueue([records(5, 1)], 6);
  await everythingSettled();
  assertEquals(pipeline.started, []);
  assertEquals(assigned.tracker.committable, 5);
});

Deno.test("AssignedPartition.resumeFetching() resumes once what was paused", () => {
  const { assigned } = assign();
  let resumed = 0;
  assigned.resumeFetching();
  assigned.resume = () => resumed++;
  assigned.resumeFetching();
  assigned.resumeFetching();
  assertEquals({ resumed, resume: assigned.resume }, { resumed: 1, resume: null });
});

/** A partition `T[0]` with a fake pipeline behind it. */
function assign({ nextOffset = 0, ...limits }: Partial<Limits & { nextOffset: number }> = {}) {
  const pipeline = new FakeDeliver();
  const failures: unknown[] = [];
  const assigned = new AssignedPartition({
    topic: "T",
    partition: 0,
    nextOffset,
    limits: { ...DEFAULT_LIMITS, ...limits },
    deliver: pipeline.deliver,
    fail: (error) => failures.push(error),
  });
  return { assigned, pipeline, failures };
}

/** A batch of so many records. */
function records(firstOffset: number, count: number): FakeRecords {
  return new FakeRecords(
    Array.from({ length: count }, (_, index) => aRecord(firstOffset + index)),
  );
}

function places(...offsets: readonly number[]): string[] {
  return offsets.map((offset) => `T[0]@${offset}`);
}
