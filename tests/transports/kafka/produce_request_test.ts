import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import RecordBatchDecoder from "kafkajs/src/protocol/recordBatch/v0/decoder.js";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes, RecordHeader } from "../../../src/event.ts";
import { useHeaderLists } from "../../../src/transports/kafka/record_headers.ts";
import { bytes } from "../../support/events.ts";
import { HOSTILE_HEADERS, manyHeaders } from "../../support/hostile_headers.ts";

interface Message {
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers?: readonly RecordHeader[];
  readonly timestamp?: number;
}

useHeaderLists();

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
  Deno.test(`kafkajs reads as they were written: ${name}`, async () => {
    const message = { key: bytes("key"), value: bytes("value"), headers };
    assertEquals(await throughABatch([message]), [message]);
  });
}

Deno.test("kafkajs writes no header, when a message says nothing of headers", async () => {
  const [read] = await throughABatch([{ key: null, value: null }]);
  assertEquals(read, { key: null, value: null, headers: [] });
});

Deno.test("kafkajs keeps null and empty keys and values apart", async () => {
  const messages = [
    { key: null, value: new Uint8Array(), headers: [] },
    { key: new Uint8Array(), value: null, headers: [] },
  ];
  assertEquals(await throughABatch(messages), messages);
});

Deno.test("kafkajs keeps the messages of a batch apart, with their timestamps", async () => {
  const messages = [1652708532000, 1652708531999, 1752708531999].map((timestamp, number) => ({
    key: null,
    value: bytes(`${number}`),
    headers: [["number", bytes(`${number}`)]] as const,
    timestamp,
  }));
  const { records } = await decode(await encode(messages));
  assertEquals(
    records.map(({ offset, timestamp, value, headers }) => ({
      offset,
      timestamp,
      value: plain(value),
      header: plain(headers[0]?.[1] ?? null),
    })),
    messages.map(({ timestamp, value }, number) => ({
      offset: `${number}`,
      timestamp: `${timestamp}`,
      value,
      header: value,
    })),
  );
});

async function throughABatch(messages: readonly Message[]): Promise<Message[]> {
  const { records } = await decode(await encode(messages));
  return records.map(({ key, value, headers }) => ({
    key: plain(key),
    value: plain(value),
    headers: headers.map(([name, value]) => [name, plain(value)]),
  }));
}

/** A produce request, as it goes to the broker. */
async function encode(messages: readonly Message[]): Promise<Buffer> {
  const { request } = Requests.requests.Produce.protocol({ version: 7 })({
    acks: -1,
    timeout: 1000,
    topicData: [{ topic: "T", partitions: [{ partition: 0, firstSequence: 0, messages }] }],
  });
  const encoder = await request.encode();
  return encoder.buffer;
}

interface Batch {
  readonly records: readonly {
    readonly offset: string;
    readonly timestamp: string;
    readonly key: Bytes | null;
    readonly value: Bytes | null;
    readonly headers: readonly RecordHeader[];
  }[];
}

/** The batch in a produce request; the broker hands it on to consumers as it is. */
async function decode(request: Buffer): Promise<Batch> {
  const decoder = new Decoder(request);
  decoder.readString();
  decoder.readInt16();
  decoder.readInt32();
  assertEquals(decoder.readInt32(), 1, "topics");
  assertEquals(decoder.readString(), "T");
  assertEquals(decoder.readInt32(), 1, "partitions");
  decoder.readInt32();
  decoder.readInt32();
  return await RecordBatchDecoder(decoder);
}

/** kafkajs hands over Buffers. */
function plain(bytes: Bytes | null): Bytes | null {
  return bytes && new Uint8Array(bytes);
}
