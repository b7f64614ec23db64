import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import createRequest from "kafkajs/src/protocol/request.js";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes, RecordHeader } from "../../../../src/core/event.ts";
import { crc32c } from "../../../../src/transports/kafka/records/crc32c.ts";
import {
  type PartitionData,
  writtenHere,
} from "../../../../src/transports/kafka/kafkajs/produce_request.ts";
import {
  type FetchedRecord,
  RecordBatch,
} from "../../../../src/transports/kafka/records/record_batch.ts";
import {
  recordSize,
  type WritableRecord,
} from "../../../../src/transports/kafka/records/record_writer.ts";
import { ENCODER, RequestMemory } from "../../../../src/transports/kafka/kafkajs/encoder.ts";
import { replaceMembers } from "../../../../src/transports/kafka/kafkajs/replacement.ts";
import { bytes } from "../../../support/events.ts";
import { HOSTILE_HEADERS, manyHeaders } from "../../../support/hostile_headers.ts";

replaceMembers([ENCODER]);

const CASES: { name: string; headers: readonly RecordHeader[] }[] = [
  { name: "no headers", headers: [] },
  { name: "hostile headers", headers: HOSTILE_HEADERS },
  {
    name: "names in any script and of any length",
    headers: [["größe-名前-🎈", bytes("1")], ["n".repeat(10_000), null], [
      "ö".repeat(10_000),
      null,
    ]],
  },
  { name: "10,000 headers", headers: manyHeaders(10_000) },
  { name: "a header of 100,000 bytes", headers: [["large", new Uint8Array(100_000).fill(7)]] },
];

for (const { name, headers } of CASES) {
  Deno.test(`records are read as they were written: ${name}`, async () => {
    const message = { key: bytes("key"), value: bytes("value"), headers };
    assertEquals(await throughABatch([message]), [message]);
  });
}

Deno.test("records keep null and empty keys and values apart", async () => {
  const messages = [
    { key: null, value: new Uint8Array(), headers: [] },
    { key: new Uint8Array(), value: null, headers: [] },
  ];
  assertEquals(await throughABatch(messages), messages);
});

Deno.test("records of a batch have their own offsets, and the time of day", async () => {
  const before = new Date().getTime();
  const records = await recordsOf(
    await batchOf([record({ value: null }), record({ value: null })]),
  );
  assertEquals(records.map(({ offset }) => offset), [0, 1]);
  const isNow = (timeMs: number) => before <= timeMs && timeMs <= new Date().getTime();
  assertEquals(records.map(({ timestampMs }) => isNow(timestampMs)), [true, true]);
});

Deno.test("a batch of 20,000 records is read as it was written", async () => {
  const messages = Array.from({ length: 20_000 }, (_, number) => ({
    key: null,
    value: bytes(`${number}`),
    headers: [["number", bytes(`${number}`)]] as const,
  }));
  assertEquals(await throughABatch(messages), messages);
});

Deno.test("a request names each partition, and what its batch is sent with", async () => {
  const numbers = { producerId: 2 ** 40, producerEpoch: 3, firstSequence: 4 };
  const records = [record({ value: null })];
  const batches = await encode([{ partition: 7, ...numbers, records }, { partition: 1, records }]);
  assertEquals(
    batches.map(({ partition, bytes }) => ({
      partition,
      producerId: Number(bytes.readBigInt64BE(43)),
      producerEpoch: bytes.readInt16BE(51),
      firstSequence: bytes.readInt32BE(53),
    })),
    [
      { partition: 7, ...numbers },
      { partition: 1, producerId: -1, producerEpoch: 0, firstSequence: 0 },
    ],
  );
});

Deno.test("a batch has the checksum of what follows it", async () => {
  const { bytes: batch } = await batchOf([record({ value: bytes("value") })]);
  assertEquals(batch.readUInt32BE(17), crc32c(batch.subarray(21)));
});

for (const clientId of ["", "eventor", "c".repeat(5000)]) {
  Deno.test(`a request is the same in memory that is used again, for a client's name of ${clientId.length} characters`, async () => {
    const memory = new RequestMemory();
    for (const size of [10, 100_000, 1000, 2_000_000, 10]) {
      const records = [record({ value: bytes("v".repeat(size)) })];
      const [batch] = await encode([{ partition: 0, records }], { clientId, memory });
      const [read] = await recordsOf(batch);
      assertEquals(read?.value?.length, size);
    }
  });
}

Deno.test("a response is handed over although partitions failed", async () => {
  const failed = { topics: [{ topicName: "T", partitions: [{ partition: 0, errorCode: 10 }] }] };
  const { response } = produce([]);
  assertEquals(await Reflect.get(response, "parse")(failed), failed);
});

function produce(partitions: readonly PartitionData[], memory = new RequestMemory()) {
  const create = writtenHere(Requests.requests.Produce.protocol({ version: 7 }));
  const topicData = [{ topic: "T", partitions, memory }] as const;
  return create({ acks: -1, timeout: 1000, compression: 0, topicData });
}

function record(
  { key = null, value, headers = [] }: {
    key?: Bytes | null;
    value: Bytes | null;
    headers?: readonly RecordHeader[];
  },
): WritableRecord {
  const record = { key, value, headers };
  return { ...record, size: recordSize(record) };
}

async function throughABatch(
  records: readonly Parameters<typeof record>[0][],
): Promise<Pick<FetchedRecord, "key" | "value" | "headers">[]> {
  const read = await recordsOf(await batchOf(records.map(record)));
  return read.map(({ key, value, headers }) => ({
    key: plain(key),
    value: plain(value),
    headers: headers.map(([name, value]) => [name, plain(value)]),
  }));
}

interface EncodedBatch {
  readonly partition: number;
  readonly bytes: Buffer<ArrayBuffer>;
}

async function batchOf(records: readonly WritableRecord[]): Promise<EncodedBatch> {
  const [batch] = await encode([{ partition: 0, records }]);
  if (batch === undefined) throw new Error("The request has no batch");
  return batch;
}

/** The batches of a request as it goes out. */
async function encode(
  partitions: readonly PartitionData[],
  { clientId = "eventor", memory }: { clientId?: string; memory?: RequestMemory } = {},
): Promise<EncodedBatch[]> {
  const { request } = produce(partitions, memory);
  const { buffer } = await createRequest({ request, correlationId: 5, clientId });
  const decoder = new Decoder(Buffer.from(buffer));
  assertEquals(decoder.readInt32(), buffer.length - 4);
  assertEquals([decoder.readInt16(), decoder.readInt16(), decoder.readInt32()], [0, 7, 5]);
  assertEquals(decoder.readString(), clientId);
  assertEquals([decoder.readString(), decoder.readInt16(), decoder.readInt32()], [null, -1, 1000]);
  assertEquals([decoder.readInt32(), decoder.readString()], [1, "T"]);
  const batches = decoder.readArray(() => ({
    partition: decoder.readInt32(),
    bytes: decoder.readBytes(decoder.readInt32()),
  }));
  assertEquals(decoder.canReadBytes(1), false);
  return batches;
}

async function recordsOf(batch: EncodedBatch | undefined): Promise<FetchedRecord[]> {
  if (batch === undefined) return [];
  const records = [];
  const iterator = await new RecordBatch(batch.bytes).open();
  for (let next = iterator.next(); !next.done; next = iterator.next()) records.push(next.value);
  return records;
}

/** Without what makes a Buffer of it. */
function plain(bytes: Bytes | null): Bytes | null {
  return bytes && new Uint8Array(bytes);
}
