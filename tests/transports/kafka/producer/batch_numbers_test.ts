import { assertEquals, assertRejects } from "@std/assert";
import { BatchNumbers } from "../../../../src/transports/kafka/producer/batch_numbers.ts";
import {
  Batch,
  type WaitingRecord,
} from "../../../../src/transports/kafka/producer/partition_queue.ts";

Deno.test("BatchNumbers gives a batch the same numbers each time", async () => {
  const numbers = aProducer();
  const batch = aBatch({ partition: 0, count: 3 });
  assertEquals(await numbers.of(batch), { producerId: 1, producerEpoch: 0, firstSequence: 0 });
  assertEquals(await numbers.of(batch), { producerId: 1, producerEpoch: 0, firstSequence: 0 });
});

Deno.test("BatchNumbers counts the records of each partition, once they are stored", async () => {
  const numbers = aProducer();
  const firstSequences = [];
  for (const [partition, count] of [[0, 3], [1, 5], [0, 2], [0, 1], [1, 1]] as const) {
    const batch = aBatch({ partition, count });
    firstSequences.push((await numbers.of(batch)).firstSequence);
    numbers.stored(batch);
  }
  assertEquals(firstSequences, [0, 0, 3, 5, 5]);
});

Deno.test("BatchNumbers begins again after the largest number", async () => {
  const numbers = aProducer();
  const large = { partition: 0, records: { length: 2 ** 31 - 2 } } as unknown as Batch;
  await numbers.of(large);
  numbers.stored(large);
  const last = aBatch({ partition: 0, count: 3 });
  assertEquals((await numbers.of(last)).firstSequence, 2 ** 31 - 2);
  numbers.stored(last);
  assertEquals((await numbers.of(aBatch({ partition: 0, count: 1 }))).firstSequence, 1);
});

Deno.test("BatchNumbers is another producer, once a batch is forgotten that may have been stored", async () => {
  const numbers = aProducer();
  const forgotten = aBatch({ partition: 0, count: 3 });
  const underWay = aBatch({ partition: 1, count: 1 });
  await numbers.of(forgotten);
  await numbers.of(underWay);

  numbers.forget(forgotten);

  assertEquals(await numbers.of(aBatch({ partition: 0, count: 1 })), {
    producerId: 2,
    producerEpoch: 0,
    firstSequence: 0,
  });
  assertEquals((await numbers.of(underWay)).producerId, 1, "it is repeated as it was");
  numbers.stored(underWay);
  assertEquals((await numbers.of(aBatch({ partition: 1, count: 1 }))).firstSequence, 0);
});

Deno.test("BatchNumbers stays the producer it is, when a batch is forgotten that was never sent", async () => {
  const numbers = aProducer();
  await numbers.of(aBatch({ partition: 0, count: 1 }));
  numbers.forget(aBatch({ partition: 0, count: 1 }));
  assertEquals((await numbers.of(aBatch({ partition: 1, count: 1 }))).producerId, 1);
});

Deno.test("BatchNumbers asks again, when it could not become a producer", async () => {
  const numbers = aProducer({ failures: 1 });
  const batch = aBatch({ partition: 0, count: 1 });
  await assertRejects(() => numbers.of(batch), Error, "no broker");
  assertEquals((await numbers.of(batch)).producerId, 2);
});

function aProducer({ failures = 0 }: { failures?: number } = {}): BatchNumbers {
  let calls = 0;
  return new BatchNumbers(() =>
    ++calls <= failures
      ? Promise.reject(new Error("no broker"))
      : Promise.resolve({ producerId: calls, producerEpoch: 0 })
  );
}

function aBatch({ partition, count }: { partition: number; count: number }): Batch {
  return new Batch(partition, Array<WaitingRecord>(count));
}
