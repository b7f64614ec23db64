import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import createRequest from "kafkajs/src/protocol/request.js";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes, RecordHeader } from "../../../../src/core/event.ts";
import { crc32c } from "../../../../src/transports/kafka/records/crc32c.ts";
import {
  type PartitionData,
  type TopicData,
  useProduceRequests,
} from "../../../../src/transports/kafka/kafkajs/produce_request.ts";
import {
  type FetchedRecord,
  RecordBatch,
} from "../../../../src/transports/kafka/records/record_batch.ts";
import { recordSize } from "../../../../src/transports/kafka/records/record_writer.ts";
import { ENCODER, RequestMemory } from "../../../../src/transports/kafka/kafkajs/encoder.ts";
import { replaceMembers } from "../../../../src/transports/kafka/kafkajs/replacement.ts";
import { bytes } from "../../../support/events.ts";
import { HOSTILE_HEADERS, manyHeaders } from "../../../support/hostile_headers.ts";

type Message = PartitionData["messages"][number];

replaceMembers([ENCODER]);
useProduceRequests();

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

Deno.test("records have no header, when a message of kafkajs says nothing of headers", async () => {
  const [read] = await throughABatch([{ value: null }]);
  assertEquals(read, { key: null, value: null, headers: [] });
});

Deno.test("records keep null and empty keys and values apart", async () => {
  const messages = [
    { key: null, value: new Uint8Array(), headers: [] },
    { key: new Uint8Array(), value: null, headers: [] },
  ];
  assertEquals(await throughABatch(messages), messages);
});

Deno.test("records of a batch have their own offsets and timestamps", async () => {
  const timestamps = [1652708532000, 1652708531999, 1752708531999];
  const messages = timestamps.map((timestamp) => ({ value: null, timestamp }));
  const [batch] = await encode([{ topic: "T", partitions: [{ partition: 0, messages }] }]);
  assertEquals(
    (await recordsOf(batch)).map(({ offset, timestampMs }) => [offset, timestampMs]),
    timestamps.map((timestamp, offset) => [offset, timestamp]),
  );
});

Deno.test("records without a timestamp have the time of day, whatever others say", async () => {
  const before = new Date().getTime();
  const messages = [{ value: null }, { value: null, timestamp: 5 }];
  const [batch] = await encode([{ topic: "T", partitions: [{ partition: 0, messages }] }]);
  const [now, five] = (await recordsOf(batch)).map(({ timestampMs }) => timestampMs);
  assertEquals([before <= (now ?? 0), (now ?? 0) <= new Date().getTime(), five], [true, true, 5]);
});

Deno.test("a batch of 20,000 records is read as it was written", async () => {
  const messages = Array.from({ length: 20_000 }, (_, number) => ({
    key: null,
    value: bytes(`${number}`),
    headers: [["number", bytes(`${number}`)]] as const,
  }));
  assertEquals(await throughABatch(messages), messages);
});

Deno.test("a request names each topic and partition, and what its batches are sent with", async () => {
  const numbers = { producerId: 2 ** 40, producerEpoch: 3, firstSequence: 4 };
  const batches = await encode([
    { topic: "T", partitions: [{ partition: 7, ...numbers, messages: [{ value: null }] }] },
    {
      topic: "U",
      partitions: [1, 2].map((partition) => ({ partition, messages: [{ value: null }] })),
    },
  ]);
  assertEquals(
    batches.map(({ bytes, ...rest }) => ({
      ...rest,
      producerId: Number(bytes.readBigInt64BE(43)),
      producerEpoch: bytes.readInt16BE(51),
      firstSequence: bytes.readInt32BE(53),
    })),
    [
      { topic: "T", partition: 7, ...numbers },
      { topic: "U", partition: 1, producerId: -1, producerEpoch: 0, firstSequence: 0 },
      { topic: "U", partition: 2, producerId: -1, producerEpoch: 0, firstSequence: 0 },
    ],
  );
});

Deno.test("a batch has the checksum of what follows it", async () => {
  const [batch] = await encode([
    { topic: "T", partitions: [{ partition: 0, messages: [{ value: bytes("value") }] }] },
  ]);
  assertEquals(
    batch?.bytes.readUInt32BE(17),
    crc32c(batch?.bytes.subarray(21) ?? new Uint8Array()),
  );
});

for (const clientId of ["", "eventor", "c".repeat(5000)]) {
  Deno.test(`a request is the same in memory that is used again, for a client's name of ${clientId.length} characters`, async () => {
    const memory = new RequestMemory();
    for (const size of [10, 100_000, 1000, 2_000_000, 10]) {
      const topicData = [{
        topic: "T",
        partitions: [{ partition: 0, messages: [ownRecord("v".repeat(size))] }],
        memory,
      }];
      const [batch] = await encode(topicData, clientId);
      const [record] = await recordsOf(batch);
      assertEquals(record?.value?.length, size);
    }
  });
}

Deno.test("a response is handed over in spite of failures, when its request wants partitions told apart", async () => {
  const failed = { topics: [{ topicName: "T", partitions: [{ partition: 0, errorCode: 10 }] }] };
  const apart = produce([{ topic: "T", partitions: [], toldApart: true }]);
  assertEquals(await apart.response.parse(failed), failed);
  const together = produce([{ topic: "T", partitions: [] }]);
  await assertRejects(() => together.response.parse(failed), Error, "larger than the max message");
});

function produce(topicData: readonly TopicData[]) {
  return Requests.requests.Produce.protocol({ version: 7 })({ acks: -1, timeout: 1000, topicData });
}

function ownRecord(value: string): Message {
  const record = { key: null, value: bytes(value), headers: [] };
  return { ...record, size: recordSize(record) };
}

async function throughABatch(
  messages: readonly Message[],
): Promise<Pick<FetchedRecord, "key" | "value" | "headers">[]> {
  const [batch] = await encode([{ topic: "T", partitions: [{ partition: 0, messages }] }]);
  return (await recordsOf(batch)).map(({ key, value, headers }) => ({
    key: plain(key),
    value: plain(value),
    headers: headers.map(([name, value]) => [name, plain(value)]),
  }));
}

interface EncodedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer<ArrayBuffer>;
}

/** The batches of a request as it goes out. */
async function encode(
  topicData: readonly TopicData[],
  clientId = "eventor",
): Promise<EncodedBatch[]> {
  const { request } = produce(topicData);
  const { buffer } = await createRequest({ request, correlationId: 5, clientId });
  const decoder = new Decoder(Buffer.from(buffer));
  assertEquals(decoder.readInt32(), buffer.length - 4);
  assertEquals([decoder.readInt16(), decoder.readInt16(), decoder.readInt32()], [0, 7, 5]);
  assertEquals(decoder.readString(), clientId);
  assertEquals([decoder.readString(), decoder.readInt16(), decoder.readInt32()], [null, -1, 1000]);
  const batches = decoder.readArray(() => {
    const topic = decoder.readString();
    return decoder.readArray(() => ({
      topic,
      partition: decoder.readInt32(),
      bytes: decoder.readBytes(decoder.readInt32()),
    }));
  }).flat();
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
