import { assert, assertEquals } from "@std/assert";
import Compression from "kafkajs/src/protocol/message/compression/index.js";
import type { Bytes } from "../../../../src/core/event.ts";
import { batchSize, prepareBatch } from "../../../../src/transports/kafka/records/batch_writer.ts";
import { recordSize } from "../../../../src/transports/kafka/records/record_writer.ts";

const { None, GZIP } = Compression.Types;

function batchOf(value: Bytes, compression: number) {
  const record = { key: null, value, headers: [] };
  return prepareBatch([{ ...record, size: recordSize(record) }], {
    producerId: -1,
    producerEpoch: 0,
    firstSequence: 0,
    compression,
  });
}

Deno.test("prepareBatch() compresses what becomes smaller by it", async () => {
  const batch = await batchOf(new Uint8Array(10_000), GZIP);
  assertEquals(batch.attributes, GZIP);
  assert(batchSize(batch) < 1000);
});

Deno.test("prepareBatch() leaves as it is what compression would make larger", async () => {
  const random = crypto.getRandomValues(new Uint8Array(10_000));
  const plain = await batchOf(random, None);
  const batch = await batchOf(random, GZIP);
  assertEquals(batch.attributes, None);
  assertEquals(batchSize(batch), batchSize(plain));
});
