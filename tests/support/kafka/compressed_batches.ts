import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from "kafkajs";
import type { Bytes } from "../../../src/core/event.ts";
import { compressLz4 } from "../../../src/transports/kafka/records/compression/lz4_writer.ts";
import { compressSnappy } from "../../../src/transports/kafka/records/compression/snappy.ts";
import { compressZstd } from "../../../src/transports/kafka/records/compression/zstd.ts";
import { testBroker } from "./broker.ts";
import { concat, recordBytes } from "./record_bytes.ts";

const BLOCK_BYTES = 128 * 1024;

/** What compresses the records of a batch; by the names that librdkafka has for the codecs. */
export const COMPRESSORS: Readonly<Record<string, (bytes: Bytes) => Bytes | Promise<Bytes>>> = {
  gzip: (bytes) => new Uint8Array(gzipSync(bytes)),
  snappy: compressSnappy,
  lz4: compressLz4,
  zstd: compressZstd,
};

const TYPES: Readonly<Record<string, CompressionTypes>> = {
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

/** Stores a batch whose records are compressed already. The broker looks into it, as it does with every batch. */
export async function produceCompressed(
  topic: string,
  { codec, compressed, count = 1, partition }: {
    codec: string;
    compressed: Bytes;
    /** How many records it holds. */
    count?: number;
    partition: number;
  },
): Promise<void> {
  const type = TYPES[codec] ?? CompressionTypes.None;
  const codecs: Record<number, unknown> = CompressionCodecs;
  const original = codecs[type];
  codecs[type] = () => ({ compress: () => Promise.resolve(Buffer.from(compressed)) });
  const producer = new Kafka({ brokers: [testBroker()], logLevel: logLevel.NOTHING }).producer();
  try {
    await producer.connect();
    const value = Buffer.alloc(Math.ceil(compressed.length / count));
    const messages = Array.from({ length: count }, () => ({ value, partition }));
    await producer.send({ topic, compression: type, messages });
  } finally {
    await producer.disconnect();
    codecs[type] = original;
  }
}

/** Records of zeros of this size, each with the same key and a header. */
export async function compressedZeros(codec: string, size: number, count = 1): Promise<Bytes> {
  const headers = [["name", new TextEncoder().encode("text")]] as const;
  const key = new TextEncoder().encode("key");
  const value = new Uint8Array(size);
  const records = Array.from(
    { length: count },
    (_, offsetDelta) => recordBytes({ key, value, headers, offsetDelta }),
  );
  return await COMPRESSORS[codec]!(concat(...records));
}

/** A record of zeros of any size as zstd, of four bytes for each 128 KiB. */
export function zstdZeros(size: number): Bytes {
  const blocks = Math.floor(size / BLOCK_BYTES);
  const valueBytes = blocks * BLOCK_BYTES;
  // Attributes, timestamp, offset, no key; behind the value, no headers.
  const fields = concat([0, 0, 0, 1], varint(valueBytes));
  const start = concat(varint(fields.length + valueBytes + 1), fields);
  const block = (kind: number, length: number, isLast = false) => {
    const header = length << 3 | kind << 1 | (isLast ? 1 : 0);
    return [header & 0xff, header >> 8 & 0xff, header >> 16];
  };
  return concat(
    [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58],
    block(0, start.length),
    start,
    ...Array.from({ length: blocks }, () => [...block(1, BLOCK_BYTES), 0]),
    block(0, 1, true),
    [0],
  );
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = 2 * value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push(rest % 128 | 0x80);
  return [...bytes, rest];
}
