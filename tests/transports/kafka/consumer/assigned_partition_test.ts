import { assertEquals } from "@std/assert";
import { EventNotSettledError } from "../../../../src/core/listener.ts";
import type { FetchedRecord } from "../../../../src/transports/kafka/records/record_batch.ts";
import { RecordOrigin } from "../../../../src/transports/kafka/consumer/record_origin.ts";
import { assign, places } from "../../../support/kafka/assign.ts";
import { promisesSettled } from "../../../support/eventually.ts";
import { bytes } from "../../../support/events.ts";
import { aRecord, FakeRecords } from "../../../support/kafka/fetched_records.ts";

Deno.test("AssignedPartition delivers events in the order of their offsets, each once", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([FakeRecords.at(5, 6), FakeRecords.at(7, 8, 9)], 10);
  assigned.enqueue([FakeRecords.at(10)], 11);
  await promisesSettled();
  assertEquals(pipeline.started, places(5, 6, 7, 8, 9, 10));
});

Deno.test("AssignedPartition delivers records as they are, with their place", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  const record = aRecord(5, {
    key: bytes("key"),
    value: bytes("value"),
    headers: [["a", null], ["a", bytes("1")]],
    timestampMs: 1652708532000,
  });
  assigned.enqueue([new FakeRecords([record], { lastOffset: 5 })], 6);
  await promisesSettled();
  const { offset, ...rest } = record;
  const origin = new RecordOrigin("T", 0, offset, record.timestampMs);
  assertEquals(pipeline.events, [{ origin, position: offset, ...rest }]);
});

Deno.test("AssignedPartition has committed what lies before its first offset", () => {
  const { assigned: { partition, commits, committable } } = assign({ nextOffset: 100 });
  assertEquals([partition, commits.committed, committable.offset], [0, 100, 100]);
  assertEquals(commits.isNews(committable), false);
});

Deno.test("AssignedPartition commits what has settled, and nothing that was only delivered", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([FakeRecords.at(5, 6, 7)], 8);
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 5);

  pipeline.settle("T[0]@6");
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 5);

  pipeline.settle("T[0]@5");
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 7);
});

Deno.test("AssignedPartition asks for a commit when a whole look-ahead has settled since the last, and not while one is tried", async () => {
  const { assigned, pipeline, commits } = assign({ maxLookahead: 2, concurrency: 10 });
  const offsets = () => commits.map(({ offset }) => offset);
  assigned.enqueue([FakeRecords.at(0, 1, 2, 3, 4, 5)], 6);
  await promisesSettled();
  const settle = async (offset: number) => {
    pipeline.settle(`T[0]@${offset}`);
    await promisesSettled();
  };

  await settle(0);
  assertEquals(offsets(), []);
  await settle(1);
  assertEquals(offsets(), [2]);

  assigned.commits.send({ offset: 2, note: "" });
  await settle(2);
  assertEquals(offsets(), [2]);

  assigned.commits.stored({ offset: 2, note: "" });
  await settle(3);
  assertEquals(offsets(), [2, 4]);
});

Deno.test("AssignedPartition commits nothing that waits to be opened", async () => {
  const gate = Promise.withResolvers<void>();
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([new FakeRecords([aRecord(6)], { lastOffset: 6, gate: gate.promise })], 7);
  assigned.enqueue([FakeRecords.at(7)], 10);
  assigned.enqueue([], 12);
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 5);

  gate.resolve();
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 6);
  for (const place of places(6, 7)) pipeline.settle(place);
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 12);
});

Deno.test("AssignedPartition commits over gaps that compaction left, and behind the last record", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([new FakeRecords([aRecord(7), aRecord(11)], { lastOffset: 15 })], 16);
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 7);

  pipeline.settle("T[0]@7");
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 11);

  pipeline.settle("T[0]@11");
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 16);
});

Deno.test("AssignedPartition commits over batches of which nothing is left", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([
    new FakeRecords([], { lastOffset: 8 }),
    FakeRecords.at(9),
    new FakeRecords([], { lastOffset: 20 }),
  ], 21);
  await promisesSettled();
  assertEquals(pipeline.started, places(9));
  pipeline.settle("T[0]@9");
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 21);
});

Deno.test("AssignedPartition commits behind control records, which are not among the fetched", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.enqueue([FakeRecords.at(5)], 8);
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 5);

  pipeline.settle("T[0]@5");
  await promisesSettled();
  assertEquals(assigned.tracker.committable, 8);

  assigned.enqueue([], 12);
  assertEquals(assigned.tracker.committable, 12);
});

Deno.test("AssignedPartition leaves out what settled before, when a batch holds it", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 7 });
  assigned.enqueue([FakeRecords.at(5, 6, 7, 8)], 9);
  await promisesSettled();
  assertEquals(pipeline.started, places(7, 8));
});

Deno.test("AssignedPartition leaves out what was fetched before, delivered or not", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5, maxLookahead: 3 });
  assigned.enqueue([FakeRecords.at(5, 6), FakeRecords.at(7, 8)], 9);
  assigned.enqueue([FakeRecords.at(5, 6), FakeRecords.at(7, 8)], 9);
  assigned.enqueue([FakeRecords.at(7, 8, 9)], 10);
  for (const place of places(5, 6, 7, 8, 9)) {
    await promisesSettled();
    pipeline.settle(place);
  }
  await promisesSettled();
  assertEquals(pipeline.started, places(5, 6, 7, 8, 9));
  assertEquals(assigned.tracker.committable, 10);
});

Deno.test("AssignedPartition does not go back, when a fetch ends before another", () => {
  const { assigned } = assign({ nextOffset: 5 });
  assigned.enqueue([], 9);
  assigned.enqueue([], 7);
  assertEquals({ fetchedEnd: assigned.fetchedEnd, committable: assigned.tracker.committable }, {
    fetchedEnd: 9,
    committable: 9,
  });
});

Deno.test("AssignedPartition does not settle an event that was given up", async () => {
  const { assigned, pipeline, failures } = assign({ nextOffset: 5 });
  assigned.enqueue([FakeRecords.at(5)], 6);
  await promisesSettled();
  pipeline.reject("T[0]@5", new EventNotSettledError("the lease ended"));
  await promisesSettled();
  assertEquals({ committable: assigned.tracker.committable, failures }, {
    committable: 5,
    failures: [],
  });
});

Deno.test("AssignedPartition fails with the error itself, when the pipeline cannot go on", async () => {
  const bug = new TypeError("a bug");
  const { assigned, pipeline, failures } = assign({ nextOffset: 5 });
  assigned.enqueue([FakeRecords.at(5, 6)], 7);
  await promisesSettled();
  pipeline.settle("T[0]@6");
  pipeline.reject("T[0]@5", bug);
  await promisesSettled();
  assertEquals({ committable: assigned.tracker.committable, isBug: failures[0] === bug }, {
    committable: 5,
    isBug: true,
  });
});

Deno.test("AssignedPartition says where it cannot read, and how to go on", async (t) => {
  const damage = "cannot decompress gzip: it takes more than 64 MiB uncompressed";
  function* damaged(): Generator<FetchedRecord> {
    yield aRecord(7);
    throw new Error(damage);
  }
  const cases = [
    {
      when: "it is opened",
      records: new FakeRecords([], { lastOffset: 8, gate: Promise.reject(new Error(damage)) }),
      readable: places(5, 6),
    },
    {
      when: "it is read",
      records: new FakeRecords(damaged(), { lastOffset: 8 }),
      readable: places(5, 6, 7),
    },
  ];
  for (const { when, records, readable } of cases) {
    await t.step(`${when}, and commits nothing of what lies behind`, async () => {
      const { assigned, pipeline, failures } = assign({ nextOffset: 5 });
      assigned.enqueue([FakeRecords.at(5, 6), records], 9);
      await promisesSettled();
      assertEquals(failures.map(String), [
        `T[0]@${5 + readable.length}: ${damage}; to skip the events up to offset 8, set ` +
        "the group's offset there to 9",
      ]);

      for (const place of readable) pipeline.settle(place);
      assigned.enqueue([FakeRecords.at(9)], 10);
      await promisesSettled();
      assertEquals(pipeline.started, readable);
      assertEquals(assigned.tracker.committable, 5 + readable.length);
    });
  }
});

Deno.test("AssignedPartition delivers nothing more, when it is being given up", async () => {
  const { assigned, pipeline } = assign({ nextOffset: 5 });
  assigned.lease.beginEnd();
  assigned.enqueue([FakeRecords.at(5)], 6);
  await promisesSettled();
  assertEquals(pipeline.started, []);
  assertEquals(assigned.tracker.committable, 5);
});
